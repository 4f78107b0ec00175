//! Everybody on a machine can connect to the host, and every page in a browser there.

use std::net::SocketAddr;

use expect_test::expect;
use serde_json::json;

use super::play::{ACCESS_KEY, Play, config, function, path_of, play, signed_with};

/// Names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// The reply to a request with these headers.
async fn reply(play: &Play, method: &str, path: &str, headers: Headers<'_>) -> String {
    let answer = play.send_only(method, path, headers, "{}").await;
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    let allowing: Vec<_> = names.filter(|name| name.starts_with("access-control-")).collect();
    assert!(allowing.is_empty(), "{allowing:?}");
    format!("{} {}", answer.status, answer.body.as_str().unwrap_or("-").trim_end())
}

#[test]
fn only_a_signed_request_of_a_program_is_answered() {
    play(config([function("worker")]), async |play| {
        let (host, ours, theirs) =
            (play.address.to_string(), signed_with(ACCESS_KEY), signed_with("squallfedcba9876543210"));
        let near = signed_with(&ACCESS_KEY[..ACCESS_KEY.len() - 1]);
        let other_service = ours.replace("/lambda/", "/s3/");
        let local = format!("LocalHost:{}", play.address.port());
        let (worker, presigned) = (
            path_of("worker"),
            format!(
                "{}?X-Amz-Credential={ACCESS_KEY}/20261130/eu-west-1/lambda/aws4_request",
                path_of("worker")
            ),
        );
        let signed = |host| [("host", host), ("authorization", ours.as_str())];
        let with = |name, value| [signed(&host)[0], signed(&host)[1], (name, value)];
        let cases: [(&str, &str, Headers<'_>); 22] = [
            ("ours", &worker, &signed(&host)),
            ("by name", &worker, &signed(&local)),
            ("JSON", &worker, &with("content-type", "application/json; charset=utf-8")),
            ("another host", &worker, &signed("evil.example")),
            ("a host that begins alike", &worker, &signed("127.0.0.1.evil.example")),
            ("another port", &worker, &signed("127.0.0.1:1")),
            ("no port", &worker, &signed("localhost")),
            ("no host", &worker, &signed(&host)[1..]),
            ("two hosts", &worker, &with("host", &host)),
            ("another origin", &worker, &with("origin", "https://evil.example")),
            ("no origin", &worker, &with("origin", "null")),
            ("from a page", &worker, &with("sec-fetch-site", "same-origin")),
            ("an image", &worker, &with("Sec-Fetch-Mode", "no-cors")),
            ("a form", &worker, &with("content-type", "text/plain")),
            (
                "another form",
                &worker,
                &with("content-type", "multipart/form-data; boundary=application/json"),
            ),
            ("unsigned", &worker, &[("host", &host)]),
            ("presigned", &presigned, &[("host", &host)]),
            ("another key", &worker, &[("host", &host), ("authorization", &theirs)]),
            ("most of the key", &worker, &[("host", &host), ("authorization", &near)]),
            ("another service", &worker, &[("host", &host), ("authorization", &other_service)]),
            ("another scheme", &worker, &[("host", &host), ("authorization", ACCESS_KEY)]),
            ("two signatures", &worker, &with("authorization", &theirs)),
        ];
        let mut table = String::new();
        for (case, path, headers) in cases {
            table.push_str(&format!("{case}: {}\n", reply(play, "POST", path, headers).await));
        }
        for path in ["/environments", "/billed", "/"] {
            let unsigned = reply(play, "GET", path, &[("host", &host)]).await;
            table.push_str(&format!("{path}: {unsigned}\n"));
        }
        let preflight = reply(play, "OPTIONS", &worker, &with("origin", "https://evil.example")).await;
        table.push_str(&format!("preflight: {preflight}\n"));
        expect![[r#"
            ours: 200 -
            by name: 200 -
            JSON: 200 -
            another host: 403 refused: the Host is not this one
            a host that begins alike: 403 refused: the Host is not this one
            another port: 403 refused: the Host is not this one
            no port: 403 refused: the Host is not this one
            no host: 403 refused: the Host is not this one
            two hosts: 403 refused: the Host is not this one
            another origin: 403 refused: it comes from a browser
            no origin: 403 refused: it comes from a browser
            from a page: 403 refused: it comes from a browser
            an image: 403 refused: it comes from a browser
            a form: 403 refused: its content is neither JSON nor application/octet-stream
            another form: 403 refused: its content is neither JSON nor application/octet-stream
            unsigned: 403 refused: it is not signed
            presigned: 403 refused: it is not signed
            another key: 403 refused: it is not signed with the access key of this run
            most of the key: 403 refused: it is not signed with the access key of this run
            another service: 403 refused: it is not signed with the access key of this run
            another scheme: 403 refused: it is not signed with the access key of this run
            two signatures: 403 refused: it is not signed with the access key of this run
            /environments: 403 refused: it is not signed
            /billed: 403 refused: it is not signed
            /: 403 refused: it is not signed
            preflight: 403 refused: it comes from a browser
        "#]]
        .assert_eq(&table);
        play.until_states(&["idle"]).await;
        assert_eq!(play.environments().await[0]["invocations"], 3);
    });
}

#[test]
fn an_invocation_is_for_the_process_that_was_told_the_path() {
    play(config([function("worker")]), async |play| {
        let context = play.invoke("worker", json!({"do": "context"})).await.fine();
        play.until_states(&["idle"]).await;
        let told = context["env"]["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap();
        let (address, secret) = told.strip_prefix("http://").unwrap().split_once('/').unwrap();
        assert_eq!(secret.len(), 32, "{told}");
        let address: SocketAddr = address.parse().unwrap();
        let thief = play.at(address);
        let next = "/2018-06-01/runtime/invocation/next";
        let host = address.to_string();
        for path in [next.to_owned(), format!("/{}{next}", &secret[1..]), format!("/{:032x}{next}", 0)] {
            assert_eq!(thief.send_only("GET", &path, &[("host", &host)], "").await.status, 404, "{path}");
        }
        // It is still the process's.
        play.invoke("worker", json!({})).await.fine();
    });
}
