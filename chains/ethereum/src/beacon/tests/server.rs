//! Answers as it is told.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::Value;

/// A REST endpoint on this machine. Its thread ends with the test's process.
pub(super) struct Server {
    pub(super) url: String,
    routes: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let routes: Arc<Mutex<HashMap<String, String>>> = Arc::default();
        let asked: Arc<AtomicUsize> = Arc::default();
        let (known, count) = (Arc::clone(&routes), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut request = [0; 4096];
                let read = stream.read(&mut request).expect("a request");
                count.fetch_add(1, Ordering::SeqCst);
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = text.split(' ').nth(1).expect("a path");
                let path = path.strip_prefix("/v3/my-api-key/eth/v1/beacon/light_client/");
                let known = known.lock().expect("not poisoned");
                let answer = path.and_then(|path| known.get(path)).cloned();
                let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
                let answer = answer.unwrap_or(missing);
                // Whoever hung up does not read it.
                drop(stream.write_all(answer.as_bytes()));
            }
        });
        Self { url, routes, asked }
    }

    pub(super) fn answer(&self, route: &str, body: Value) {
        let body = body.to_string();
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}");
        self.answer_raw(route, &format!("{head}\r\n\r\n{body}"));
    }

    pub(super) fn answer_raw(&self, route: &str, answer: &str) {
        let mut routes = self.routes.lock().expect("not poisoned");
        routes.insert(route.to_owned(), answer.to_owned());
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
