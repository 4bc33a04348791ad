//! NEAR's client for JavaScript, unmodified.

use std::{path::Path, process::Command};

use near_crypto::{KeyType, SecretKey};

use crate::served::serve;

#[tokio::test(flavor = "multi_thread")]
async fn near_api_js_is_content() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    if !folder.join("node_modules").is_dir() {
        println!("not tried: `npm ci --ignore-scripts` in {} comes first", folder.display());
        return;
    }
    let devnet = serve().await;
    let (url, key) = (devnet.url(), SecretKey::from_seed(KeyType::ED25519, "alice.near"));
    let run = tokio::task::spawn_blocking(move || {
        let mut node = Command::new("node");
        node.arg("check.mjs").arg(url).arg(key.to_string()).current_dir(folder).output()
    });
    let output = run.await.expect("it does not panic").expect("there is a node");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}
