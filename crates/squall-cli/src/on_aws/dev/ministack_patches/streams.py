"""Streams that are resharded.

On AWS the shards that a split or a merge is made of are closed: they take no records, keep those that they have until
these expire, and are read to their end, which has no next iterator
(https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html). ministack deletes them with
their records, and ignores it when a template changes the number of shards.
"""
import json

from . import found, replaced

ENDING = "ending_sequence_number"


def patch():
    from ministack.services import kinesis
    from ministack.services.cloudformation import provisioners

    for name in ("_next_sequence_number", "_resolve_stream", "_shard_iterators", "_streams", "MAX_HASH_KEY"):
        found(kinesis, name)

    def refused(message):
        return kinesis.error_response_json("InvalidArgumentException", message, 400)

    def open_shards(stream):
        """Ids and shards that take records, in the order of their hash keys."""
        shards = [(key, it) for key, it in stream["shards"].items() if ENDING not in it]
        return sorted(shards, key=lambda pair: int(pair[1]["starting_hash_key"]))

    def to_open_shards(route):
        def routed(hash_key, stream):
            return route(hash_key, {"shards": dict(open_shards(stream))})

        return routed

    def with_its_end(shard_out):
        def shown(shard_id, shard):
            out = shard_out(shard_id, shard)
            if ENDING in shard:
                out["SequenceNumberRange"]["EndingSequenceNumber"] = shard[ENDING]
            return out

        return shown

    def with_open_shards_only(summary):
        def summarised(data):
            status, headers, body = summary(data)
            _, stream = kinesis._resolve_stream(data)
            if stream is None:
                return status, headers, body
            answer = json.loads(body)
            answer["StreamDescriptionSummary"]["OpenShardCount"] = len(open_shards(stream))
            return status, headers, json.dumps(answer).encode()

        return summarised

    def until_the_end(get_records):
        def got(data):
            status, headers, body = get_records(data)
            place = kinesis._shard_iterators.get(data.get("ShardIterator"))
            stream = kinesis._streams.get(place["stream"]) if place else None
            if status != 200 or stream is None or ENDING not in stream["shards"].get(place["shard_id"], ()):
                return status, headers, body
            answer = json.loads(body)
            shard = stream["shards"][place["shard_id"]]
            if kinesis._shard_iterators[answer["NextShardIterator"]]["position"] >= len(shard["records"]):
                del kinesis._shard_iterators[answer.pop("NextShardIterator")]
            return status, headers, json.dumps(answer).encode()

        return got

    def keeping_the_parents(*fields):
        def kept(reshard):
            def resharded(data):
                _, stream = kinesis._resolve_stream(data)
                parents = {key: stream["shards"].get(key) for key in map(data.get, fields)} if stream else {}
                for key, parent in parents.items():
                    if parent is not None and ENDING in parent:
                        return refused(f"Shard {key} in stream {stream['StreamName']} is closed")
                ending = kinesis._next_sequence_number()
                answer = reshard(data)
                if answer[0] == 200:
                    stream["shards"] |= {key: parent | {ENDING: ending} for key, parent in parents.items()}
                return answer

            return resharded

        return kept

    def by_splits_and_merges(_):
        def updated(data):
            name, stream = kinesis._resolve_stream(data)
            if stream is None:
                return kinesis.error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
            name, target = stream["StreamName"], int(data.get("TargetShardCount", 0))
            current = len(open_shards(stream))
            # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
            if not current / 2 <= target <= current * 2:
                return refused(f"UpdateShardCount takes {current} shards to half or twice as many, not to {target}")
            starts = [number * ((kinesis.MAX_HASH_KEY + 1) // target) for number in range(target)]
            for start in starts:
                for key, shard in open_shards(stream):
                    if int(shard["starting_hash_key"]) < start <= int(shard["ending_hash_key"]):
                        split = {"ShardToSplit": key, "NewStartingHashKey": str(start)}
                        kinesis._split_shard({"StreamName": name} | split)
            merging = True
            while merging:
                shards = open_shards(stream)
                merging = False
                for (key, _), (next_key, shard) in zip(shards, shards[1:]):
                    if int(shard["starting_hash_key"]) not in starts:
                        merge = {"ShardToMerge": key, "AdjacentShardToMerge": next_key}
                        kinesis._merge_shards({"StreamName": name} | merge)
                        merging = True
                        break
            arn = stream["StreamARN"]
            answer = {"StreamName": name, "CurrentShardCount": current, "TargetShardCount": target, "StreamARN": arn}
            return kinesis.json_response(answer)

        return updated

    def with_its_shards(update):
        def updated(physical_id, old_props, new_props, stack_name):
            answer = update(physical_id, old_props, new_props, stack_name)
            stream = kinesis._streams.get(answer[0])
            wanted = int(new_props.get("ShardCount", 1))
            is_provisioned = stream["StreamModeDetails"]["StreamMode"] == "PROVISIONED"
            if is_provisioned and wanted != len(open_shards(stream)):
                reshard = {"StreamName": answer[0], "TargetShardCount": wanted}
                status, _, body = kinesis._update_shard_count(reshard)
                if status != 200:
                    raise ValueError(json.loads(body)["message"])
            return answer

        return updated

    replaced(kinesis, "_route_to_shard", to_open_shards)
    replaced(kinesis, "_shard_out", with_its_end)
    replaced(kinesis, "_describe_stream_summary", with_open_shards_only)
    replaced(kinesis, "_get_records", until_the_end)
    replaced(kinesis, "_split_shard", keeping_the_parents("ShardToSplit"))
    replaced(kinesis, "_merge_shards", keeping_the_parents("ShardToMerge", "AdjacentShardToMerge"))
    replaced(kinesis, "_update_shard_count", by_splits_and_merges)
    replaced(found(provisioners._RESOURCE_HANDLERS, "AWS::Kinesis::Stream"), "update", with_its_shards)
