//! The stub server of the invocations again, as Lambda's endpoint is: encrypted, over HTTP/2, with 128 streams to a connection.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::server::ends_with_its_parent;

/// Streams that Lambda's endpoint was seen to allow on a connection.
const STREAMS: u32 = 128;

/// Makes a certificate for `localhost`; returns the file that has it, which a client trusts by `SSL_CERT_FILE`, and its key's.
pub(crate) fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate is made");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let write = |name: &str, pem: String| {
        let path = folder.join(name);
        std::fs::write(&path, pem).expect("the folder of temporary files can be written");
        path.to_str().expect("a readable path").to_owned()
    };
    let key = write("bench-key.pem", made.signing_key.serialize_pem());
    (write("bench-certificate.pem", made.cert.pem()), key)
}

/// Tasks of one thread.
#[derive(Clone)]
struct Here;

impl<F: Future<Output = ()> + 'static> Executor<F> for Here {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// A server's process: prints its address, answers every request, and ends with its parent.
pub(crate) fn be_a_tls_server(args: &[String], answer: impl Fn(&[u8]) -> Vec<u8> + 'static) {
    let [certificate, key] = args else { panic!("a server is told its certificate and key") };
    let chain = vec![CertificateDer::from_pem_file(certificate).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they fit");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    ends_with_its_parent();
    let answer = Rc::new(answer);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        println!("localhost:{}", listener.local_addr().expect("it has an address").port());
        let n_connections = Cell::new(0);
        while let Ok((stream, _)) = listener.accept().await {
            n_connections.set(n_connections.get() + 1);
            let (acceptor, answer) = (acceptor.clone(), Rc::clone(&answer));
            spawn_local(async move {
                let _ = stream.set_nodelay(true);
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = Rc::clone(&answer);
                    async move {
                        let body = request.into_body().collect().await?.to_bytes();
                        Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(answer(&body)))))
                    }
                });
                let mut http = hyper::server::conn::http2::Builder::new(Here);
                // A broken connection is the other end's problem.
                let _ = http
                    .max_concurrent_streams(STREAMS)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}
