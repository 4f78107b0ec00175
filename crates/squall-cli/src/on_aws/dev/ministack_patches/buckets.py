"""Buckets of a template. AWS deletes none that has objects, and so fails to delete its stack; ministack deletes them all."""
from . import found, replaced


def patch():
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    found(s3, "_buckets")

    def if_it_is_empty(delete):
        def deleted(physical_id, props):
            if (s3._buckets.get(physical_id) or {}).get("objects"):
                raise ValueError(f"The bucket {physical_id} that you tried to delete is not empty")
            delete(physical_id, props)

        return deleted

    replaced(found(provisioners._RESOURCE_HANDLERS, "AWS::S3::Bucket"), "delete", if_it_is_empty)
