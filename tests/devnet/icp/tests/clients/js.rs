use std::{path::Path, process::Command};

use crate::world::{World, module};

#[tokio::test]
async fn the_library_for_browsers_works() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    if !folder.join("node_modules").is_dir() {
        println!("skipped: no node_modules in tests/devnet/icp/js (npm ci --ignore-scripts)");
        return;
    }
    let world = World::new().await;
    let file = std::env::temp_dir().join(format!("devnet-icp-{}.wasm", std::process::id()));
    std::fs::write(&file, module()).expect("it is written");
    let mut node = Command::new("node");
    node.arg("client.mjs").arg(world.devnet.url()).arg(&file).current_dir(folder);
    let ran = tokio::task::spawn_blocking(move || node.output()).await.expect("it runs");
    std::fs::remove_file(&file).expect("it is there");
    let ran = ran.expect("there is a node");
    let told = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&told));
}
