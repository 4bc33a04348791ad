//! Endpoints that answer like no node does. Each gets a clear error in bounded time and memory.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anchorhold_starknet::{Starknet, StarknetConfig};
use chain::{Chain as _, ChainError};

const REGISTRY: &str =
    "starknet:SN_MAIN:0x00000000000000000000000000000000000000000000000000000000000a11ce";

/// Part of the path of every URL here, as providers put it there.
const SECRET: &str = "my-api-key";

fn registry_at(listener: &TcpListener) -> Starknet {
    let address = listener.local_addr().expect("bound");
    let url = format!("http://{address}/v3/{SECRET}").parse().expect("legal");
    let timeout = Duration::from_millis(500);
    let config = StarknetConfig { timeout, ..StarknetConfig::new(url) };
    let registry = REGISTRY.parse().expect("legal");
    Starknet::new(registry, config).expect("starknet")
}

/// What the adapter makes of an endpoint that gives this answer to the first question.
async fn error_for(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> ChainError {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let registry = registry_at(&listener);
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the adapter connects");
        let mut request = [0; 4096];
        let read = stream.read(&mut request).expect("a request");
        assert!(read > 0);
        answer(&mut stream);
    });
    let error = registry.verify_registry().await.expect_err("no node answers so");
    // Elsewhere, so that this thread can hang up the connection meanwhile.
    let joined = tokio::task::spawn_blocking(|| server.join()).await.expect("it is not aborted");
    joined.expect("the endpoint does not fail");
    let text = format!("{error} {error:?}");
    assert!(!text.contains(SECRET), "{text}");
    error
}

fn http(status: &str, body: &str) -> impl FnOnce(&mut TcpStream) + Send + 'static {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
    move |stream| stream.write_all(text.as_bytes()).expect("the adapter reads")
}

fn json(body: &str) -> impl FnOnce(&mut TcpStream) + Send + 'static {
    http("200 OK", body)
}

fn source(error: &ChainError) -> String {
    std::error::Error::source(error).expect("a cause").to_string()
}

#[tokio::test]
async fn html_is_no_answer() {
    let error = error_for(http("200 OK", "<html>\n<h1>Sign in</h1></html>")).await;
    assert!(matches!(error, ChainError::BadAnswer { method: "starknet_chainId", .. }), "{error:?}");
    assert_eq!(source(&error), "HTTP status 200 OK, not JSON: <html> <h1>Sign in</h1></html>");
    let error = error_for(http("404 Not Found", "<html></html>")).await;
    assert!(matches!(error, ChainError::BadAnswer { .. }), "{error:?}");
}

#[tokio::test]
async fn an_overloaded_endpoint_may_answer_later() {
    for status in ["503 Service Unavailable", "429 Too Many Requests"] {
        let error = error_for(http(status, "")).await;
        assert!(error.is_transient(), "{error:?}");
    }
    let error = error_for(json(r#"{"error":{"code":-32005,"message":"limit"}}"#)).await;
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let moved = "302 Found\r\nlocation: http://192.0.2.1/";
    let error = error_for(http(moved, "")).await;
    assert!(matches!(error, ChainError::BadAnswer { .. }), "{error:?}");
}

#[tokio::test]
async fn json_of_another_kind_is_no_answer() {
    for body in [
        "{}",
        "[]",
        "7",
        r#"{"result":null}"#,
        r#"{"result":"0xzz"}"#,
        r#"{"result":"0x534e5f4d41494e534e5f4d41494e534e5f4d41494e534e5f4d41494e534e5f4d41"}"#,
        r#"{"result":"0xff"}"#,
        r#"{"result":{"number":"0x1"}}"#,
        r#"{"error":"text"}"#,
    ] {
        let error = error_for(json(body)).await;
        assert!(matches!(error, ChainError::BadAnswer { .. }), "{body}: {error:?}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_one_short_line() {
    let long = "x".repeat(10_000);
    let body = format!(r#"{{"error":{{"code":-32601,"message":"no\n{long}"}}}}"#);
    let error = error_for(json(&body)).await;
    assert!(matches!(error, ChainError::EndpointRefused { .. }), "{error:?}");
    let text = source(&error);
    assert!(text.starts_with("error -32601: no xxx") && text.len() < 120, "{text}");
}

#[tokio::test]
async fn another_chain_is_named() {
    let error = error_for(json(r#"{"result":"0x534e5f5345504f4c4941"}"#)).await;
    let said = "serves starknet:SN_SEPOLIA, not starknet:SN_MAIN";
    assert!(error.to_string().ends_with(said), "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let error = error_for(|stream| {
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        stream.write_all(head).expect("the adapter reads");
        // Ends when the adapter has had enough and hangs up.
        while stream.write_all(&[b' '; 65536]).is_ok() {}
    })
    .await;
    assert!(matches!(error, ChainError::BadAnswer { .. }), "{error:?}");
    assert_eq!(source(&error), "an answer of more than 8388608 bytes");
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    let error = error_for(|stream| {
        // Ends when the adapter hangs up.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the adapter hangs up");
    })
    .await;
    assert!(matches!(error, ChainError::Unreachable { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_cut_connection_and_a_closed_port_are_unreachable() {
    let error = error_for(|_| {}).await;
    assert!(matches!(error, ChainError::Unreachable { .. }), "{error:?}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let registry = registry_at(&listener);
    drop(listener);
    let error = registry.verify_registry().await.expect_err("nobody listens");
    assert!(matches!(error, ChainError::Unreachable { .. }), "{error:?}");
}

#[test]
fn more_cannot_have_to_agree_than_there_are() {
    let url: url::Url = "http://127.0.0.1:1".parse().expect("legal");
    let registry: types::AccountId = REGISTRY.parse().expect("legal");
    for (endpoints, needed) in [(vec![url.clone()], 2), (vec![], 1), (vec![url.clone(); 3], 4)] {
        let needed = needed.try_into().expect("not zero");
        let config = StarknetConfig { endpoints, needed, ..StarknetConfig::new(url.clone()) };
        let error = Starknet::new(registry.clone(), config).expect_err("too few");
        assert!(matches!(error, ChainError::TooFewEndpoints { .. }), "{error:?}");
    }
}
