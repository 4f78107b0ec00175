use super::*;

fn action(method: &str, path: &str, service: &str, target: &str, body: &'static str) -> String {
    let request = hyper::Request::builder().method(method).uri(path);
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/{service}/aws4_request, SignedHeaders=host"
    );
    let request = if service.is_empty() { request } else { request.header(AUTHORIZATION, scope) };
    let request = if target.is_empty() { request } else { request.header("X-Amz-Target", target) };
    let (head, ()) = request.body(()).unwrap().into_parts();
    Request::new(head, Bytes::from(body)).action
}

#[test]
fn every_protocol_says_what_is_asked() {
    let invoke = "/2015-03-31/functions/cascade-worker-0/invocations";
    for (method, path, service, target, body, expected) in [
        ("POST", "/", "kinesis", "Kinesis_20131202.PutRecords", "{}", "kinesis:PutRecords"),
        ("POST", "/", "dynamodb", "DynamoDB_20120810.UpdateItem", "{}", "dynamodb:UpdateItem"),
        ("POST", "/", "sqs", "AmazonSQS.ReceiveMessage", "{}", "sqs:ReceiveMessage"),
        ("POST", "/", "sns", "", "Action=Publish&Version=2010-03-31&Message=Action%3D", "sns:Publish"),
        ("POST", invoke, "lambda", "", "Action=", "lambda:Invoke"),
        ("PUT", "/bucket/blobs/0", "s3", "", "Action=", "s3:PutObject"),
        ("GET", "/bucket/blobs/0?x-id=GetObject", "s3", "", "", "s3:GetObject"),
        ("HEAD", "/bucket/blobs/0", "s3", "", "", "s3:HeadObject"),
        ("PUT", "/bucket/", "s3", "", "", "s3:PUT"),
        ("GET", "/bucket?list-type=2&prefix=aws", "s3", "", "", "s3:ListObjectsV2"),
        ("POST", "/bucket/blobs/0?uploads", "s3", "", "", "s3:CreateMultipartUpload"),
        ("PUT", "/bucket/blobs/0?partNumber=1&uploadId=2", "s3", "", "", "s3:UploadPart"),
        ("POST", "/bucket/blobs/0?uploadId=2", "s3", "", "", "s3:CompleteMultipartUpload"),
        ("DELETE", "/bucket/blobs/0?uploadId=2", "s3", "", "", "s3:AbortMultipartUpload"),
        ("DELETE", "/bucket/aws/lambda/0", "s3", "", "", "s3:DeleteObject"),
        ("GET", "/2018-06-01/runtime/invocation/next", "", "", "", ":GET"),
    ] {
        assert_eq!(action(method, path, service, target, body), expected);
    }
}
