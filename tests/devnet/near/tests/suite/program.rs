//! The program: what it prints, and that it answers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(arguments: &[&str]) -> (Running, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anchorhold-devnet-near"));
    let child = command.args(arguments).stdout(Stdio::piped()).spawn();
    let mut running = Running(child.expect("it starts"));
    let mut line = String::new();
    let out = running.0.stdout.as_mut().expect("it is piped");
    BufReader::new(out).read_line(&mut line).expect("it prints a line");
    (running, serde_json::from_str(&line).expect("the line is JSON"))
}

/// Posts anything, and reads the answer as JSON.
fn post(url: &str, body: &str) -> Value {
    let addr = url.strip_prefix("http://").expect("a URL on loopback");
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let head = format!("POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
    assert!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_lowercase().contains("access-control-allow-origin: *"), "{head}");
    serde_json::from_str(body).expect("the answer is JSON")
}

#[test]
fn the_program_says_where_it_is_and_whose_accounts_it_has() {
    let (_running, ready) = start(&["--port", "0", "--accounts", "2", "--account", "eve.near"]);
    assert_eq!(ready["chain"], "near:localnet");
    let accounts = ready["accounts"].as_array().expect("a list");
    let names: Vec<_> = accounts.iter().map(|account| &account["address"]).collect();
    assert_eq!(names, ["dev-0.near", "dev-1.near", "eve.near"]);
    let secret = accounts[0]["secret"].as_str().expect("text");
    assert_eq!(hex::decode(secret).expect("hex").len(), 32);
    let url = ready["url"].as_str().expect("text");
    let request = json!({ "jsonrpc": "2.0", "id": "x", "method": "status", "params": [] });
    let status = post(url, &request.to_string());
    assert_eq!(status["id"], "x");
    assert_eq!(status["result"]["chain_id"], "localnet");
}

#[test]
fn nonsense_is_answered_and_does_no_harm() {
    let (_running, ready) = start(&["--port", "0", "--accounts", "1"]);
    let url = ready["url"].as_str().expect("text");
    let call = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    for (body, name) in [
        (String::new(), "REQUEST_VALIDATION_ERROR"),
        ("[]".to_owned(), "REQUEST_VALIDATION_ERROR"),
        (call("no_such_method", json!([])), "REQUEST_VALIDATION_ERROR"),
        (call("query", json!({})), "REQUEST_VALIDATION_ERROR"),
        (call("query", json!([1, 2])), "REQUEST_VALIDATION_ERROR"),
        (call("send_tx", json!(["AAAA"])), "REQUEST_VALIDATION_ERROR"),
        (call("send_tx", json!({ "signed_tx_base64": 5 })), "REQUEST_VALIDATION_ERROR"),
        (call("tx", json!({})), "REQUEST_VALIDATION_ERROR"),
        (call("block", json!({ "block_id": 99_999_999 })), "HANDLER_ERROR"),
        (call("block", json!([])), "REQUEST_VALIDATION_ERROR"),
    ] {
        let answer = post(url, &body);
        assert_eq!(answer["error"]["name"], name, "{body}: {answer}");
    }
    assert!(post(url, &call("status", json!([])))["result"].is_object());
}
