//! What holds of a store on disk: it outlives the process, and refuses what it cannot trust.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, Permissions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use anchorhold_store::{Batch, Durability, Store, StoreConfig, StoreError, SyncPolicy};
use crdt::{Read as _, Writes};
use types::{ContextId, MemberKey};

const HERE: ContextId = ContextId::from_bytes([7; 32]);
const CHILD_FOLDER: &str = "ANCHORHOLD_STORE_CHILD_FOLDER";
const CHILD_THREADS: u8 = 4;

fn author(byte: u8) -> MemberKey {
    MemberKey::from_bytes([byte; 32])
}

fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(folder, StoreConfig::default())
}

/// A delta, its effect and its event, as the engine writes them.
fn delta(who: u8, seq: u64) -> Batch {
    let mut batch = Batch::new();
    batch.append_delta(&HERE, &author(who), seq, vec![who; 100]);
    let effect = (state_key(who, seq), Some(vec![1]));
    batch.write_state(&HERE, Writes::from([effect]));
    batch.append_event(&HERE, vec![who]);
    batch
}

fn state_key(who: u8, seq: u64) -> Vec<u8> {
    [&[who][..], &seq.to_be_bytes()].concat()
}

#[test]
fn what_was_written_is_there_after_closing() {
    for sync_policy in [SyncPolicy::Always, SyncPolicy::Relaxed] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let config = StoreConfig { sync_policy, ..StoreConfig::default() };
        let store = Store::open(folder.path(), config).expect("a new store");
        assert_eq!(store.sync_policy(), sync_policy);
        store.write(delta(1, 1), Durability::Relaxed).expect("written");
        drop(store);
        let store = open(folder.path()).expect("opened again");
        let events = store.write(delta(1, 2), Durability::Synced).expect("written").events;
        assert_eq!(events, [2], "numbers go on");
        assert_eq!(store.deltas(&HERE).expect("read").count(), 2);
    }
}

/// Not a fact but the other process of the next one.
#[test]
fn child_writes_until_it_is_killed() {
    let Some(folder) = env::var_os(CHILD_FOLDER).map(PathBuf::from) else { return };
    let store = open(&folder).expect("a new store");
    thread::scope(|scope| {
        for who in 0..CHILD_THREADS {
            let store = &store;
            scope.spawn(move || {
                for seq in 1.. {
                    store.write(delta(who, seq), Durability::Synced).expect("written");
                    writeln!(io::stdout(), "\nacknowledged {who} {seq}").expect("parent reads");
                }
            });
        }
    });
}

#[test]
fn whatever_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut child = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "child_writes_until_it_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("child");
    let mut acknowledged = BTreeMap::<u8, u64>::new();
    let mut count = 0;
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    // Goes on after the kill until the pipe is empty.
    for line in lines {
        let line = line.expect("text");
        let Some(place) = line.strip_prefix("acknowledged ") else { continue };
        let Some((who, seq)) = place.split_once(' ') else { continue };
        // A line that the kill cut short says less than was acknowledged.
        let (Ok(who), Ok(seq)) = (who.parse(), seq.parse::<u64>()) else { continue };
        let last = acknowledged.entry(who).or_default();
        *last = seq.max(*last);
        count += 1;
        if count == 400 {
            child.kill().expect("SIGKILL");
        }
    }
    child.wait().expect("dead");
    assert!(count >= 400 && acknowledged.len() == usize::from(CHILD_THREADS), "{acknowledged:?}");
    let store = open(folder.path()).expect("opened after the kill");
    let mut deltas = 0;
    for (who, last) in acknowledged {
        let rows = store.deltas_after(&HERE, &author(who), 0, u64::MAX, usize::MAX).expect("read");
        assert!(rows.len() as u64 >= last, "{who}: {} of {last}", rows.len());
        deltas += rows.len() as u64;
        for row in rows {
            let effect = store.state(&HERE).get(&state_key(who, row.seq)).expect("read");
            assert!(effect.is_some(), "a delta without its effect");
        }
    }
    assert_eq!(store.state(&HERE).scan(b"", None, usize::MAX).expect("read").len() as u64, deltas);
    assert_eq!(store.last_event(&HERE).expect("read"), deltas, "an event per delta");
}

#[test]
fn many_writers_share_the_syncs() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("a new store");
    let told = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for who in 0..32 {
            let (store, told) = (&store, &told);
            scope.spawn(move || {
                for seq in 1..=25 {
                    store.write(delta(who, seq), Durability::Relaxed).expect("written");
                    let told = Arc::clone(told);
                    store.on_durable(move |result| {
                        result.expect("synced");
                        told.fetch_add(1, Ordering::Relaxed);
                    });
                    store.write(Batch::new(), Durability::Synced).expect("synced");
                }
            });
        }
    });
    store.sync_wal().expect("synced");
    assert_eq!(told.load(Ordering::Relaxed), 32 * 25);
    assert_eq!(store.deltas(&HERE).expect("read").count(), 32 * 25);
    assert_eq!(store.last_event(&HERE).expect("read"), 32 * 25);
}

#[test]
fn a_waiter_that_panics_or_holds_the_last_handle_harms_nobody() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("a new store");
    store.on_durable(|_| panic!("on purpose"));
    store.sync_wal().expect("the thread lives");
    let (tx, rx) = mpsc::sync_channel(1);
    let last = store.clone();
    store.on_durable(move |_| {
        // The test has dropped its own handle by then.
        rx.recv().expect("told to go on");
        drop(last);
    });
    drop(store);
    tx.send(()).expect("waiter waits");
    // The folder is free once the thread has ended; until then it says so.
    let reopened = std::iter::repeat_with(|| open(folder.path())).find(|opened| match opened {
        Err(StoreError::Locked { .. }) => {
            thread::yield_now();
            false
        }
        _ => true,
    });
    assert!(reopened.expect("endless").is_ok());
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let _store = open(folder.path()).expect("a new store");
    let refused = open(folder.path()).expect_err("in use");
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused:?}");
    assert!(refused.is_transient());
}

#[test]
fn others_may_not_read_the_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("created");
    fs::set_permissions(&data, Permissions::from_mode(0o755)).expect("opened to others");
    drop(open(&data).expect("an empty folder is closed to others and used"));
    for path in [&data, &data.join("db")] {
        let mode = fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        fs::set_permissions(path, Permissions::from_mode(0o750)).expect("opened to others");
        let refused = open(&data).expect_err("open to others");
        assert!(matches!(refused, StoreError::Exposed { mode: 0o750, .. }), "{refused:?}");
        fs::set_permissions(path, Permissions::from_mode(0o700)).expect("closed");
    }
    drop(open(&data).expect("closed to others again"));
}

#[test]
fn a_folder_without_permission_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).expect("created");
    fs::set_permissions(&locked, Permissions::from_mode(0o500)).expect("closed to us");
    if fs::write(locked.join("probe"), b"").is_ok() {
        return; // The superuser may do everything.
    }
    let refused = open(&locked.join("data")).expect_err("no permission");
    assert!(matches!(refused, StoreError::Denied { .. }), "{refused:?}");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_an_error() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").expect("written");
    assert!(matches!(open(&file), Err(StoreError::Io { .. })));
}

/// Bytes of the files that hold data, by name. RocksDB's own log and lock are not data.
fn data_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder.join("db")).expect("there");
    files
        .map(|file| file.expect("there"))
        .map(|file| (file.file_name().into_string().expect("text"), file.path()))
        .filter(|(name, _)| !name.starts_with("LOG") && name != "LOCK")
        .map(|(name, path)| (name, fs::read(path).expect("there")))
        .collect()
}

#[test]
fn damaged_files_are_told_and_left_alone() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("CURRENT", |file| fs::write(file, b"garbage").expect("written")),
        ("CURRENT", |file| fs::write(file, b"").expect("written")),
        ("CURRENT", |file| fs::remove_file(file).expect("removed")),
        ("MANIFEST", |file| {
            let mut bytes = fs::read(file).expect("there");
            bytes.iter_mut().skip(20).step_by(7).for_each(|byte| *byte ^= 0x55);
            fs::write(file, bytes).expect("written");
        }),
        ("MANIFEST", |file| fs::remove_file(file).expect("removed")),
    ];
    for (prefix, harm) in harms {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = open(folder.path()).expect("a new store");
        store.write(delta(1, 1), Durability::Synced).expect("written");
        drop(store);
        let names = data_files(folder.path()).into_keys();
        // The manifest in force is the one with the greatest number.
        let name = names.filter(|name| name.starts_with(prefix)).max().expect("there");
        harm(&folder.path().join("db").join(name));
        let before = data_files(folder.path());
        let refused = open(folder.path()).expect_err("damaged");
        assert!(matches!(refused, StoreError::Damaged { .. }), "{prefix}: {refused:?}");
        assert_eq!(data_files(folder.path()), before, "{prefix}: files were changed");
    }
}

#[test]
fn another_schema_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    drop(open(folder.path()).expect("a new store"));
    let change = |change: &dyn Fn(&mut rocksdb::DB)| {
        let path = folder.path().join("db");
        let options = rocksdb::Options::default();
        let names = rocksdb::DB::list_cf(&options, &path).expect("listed");
        change(&mut rocksdb::DB::open_cf(&options, &path, names).expect("opened"));
    };
    let schema = |bytes: &[u8]| {
        change(&|db| {
            db.put_cf(db.cf_handle("meta").expect("there"), b"schema", bytes).expect("written");
        });
    };
    let refusal = || open(folder.path()).expect_err("unknown").to_string();
    schema(&[2, 0, 0, 0]);
    assert_eq!(refusal(), "the data folder has schema 2, this program knows schema 1");
    schema(&[1]);
    assert_eq!(refusal(), "row 736368656d61 of family meta is corrupt");
    schema(&[1, 0, 0, 0]);
    drop(open(folder.path()).expect("ours"));
    change(&|db| db.create_cf("later", &rocksdb::Options::default()).expect("created"));
    assert!(refusal().contains("\"later\""), "{}", refusal());
}
