//! What holds of the keystore.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anchorhold_store::{
    Batch, Durability, Keystore, Store, StoreError,
    keystore::{KdfCost, MemberSecrets, NAMED_SECRET_BYTES_MAX, Unlock, generate_key_file},
};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use types::{ContextId, ExchangeSecret, MemberSecret, seal::EpochSecret};
use zeroize::Zeroizing;

const HERE: ContextId = ContextId::from_bytes([7; 32]);
const THERE: ContextId = ContextId::from_bytes([8; 32]);
const CHEAP: KdfCost = KdfCost::insecure_for_tests();

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(Zeroizing::new(text.into()))
}

fn create(folder: &Path, unlock: &Unlock) -> Keystore {
    Keystore::create_with_cost(folder, unlock, CHEAP, &mut rng()).expect("created")
}

fn member_secrets() -> MemberSecrets {
    MemberSecrets {
        member: MemberSecret::generate(&mut rng()),
        exchange: ExchangeSecret::generate(&mut rng()),
    }
}

#[test]
fn secrets_come_back_with_the_passphrase() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, mut rng, ours) = (Store::in_memory(), rng(), member_secrets());
    assert!(!Keystore::exists(folder.path()).expect("read"));
    let keystore = create(folder.path(), &passphrase("open"));
    assert!(Keystore::exists(folder.path()).expect("read"));
    let account = "eip155:1:0xab".parse().expect("account");
    let mut batch = Batch::new();
    keystore.put_member(&mut batch, &HERE, &ours, &mut rng);
    let epochs = [0, 1, 256].map(|epoch| (epoch, EpochSecret::from_bytes([epoch as u8; 32])));
    for (epoch, secret) in &epochs {
        keystore.put_epoch_secret(&mut batch, &HERE, *epoch, secret, &mut rng);
    }
    keystore.put_wallet(&mut batch, &account, &[3; 32], &mut rng);
    keystore.put_named(&mut batch, "token", b"bearer", &mut rng).expect("small");
    store.write(batch, Durability::Relaxed).expect("written");

    let opened = Keystore::open(folder.path(), &passphrase("open")).expect("opened");
    assert_eq!(opened.node_seed(), keystore.node_seed());
    let member = opened.member(&store, &HERE).expect("read").expect("there");
    assert_eq!(member.member.public(), ours.member.public());
    assert_eq!(member.exchange.public(), ours.exchange.public());
    assert!(opened.member(&store, &THERE).expect("read").is_none());
    let found = opened.epoch_secrets(&store, &HERE).expect("read");
    assert!(found.into_iter().eq(epochs.clone()));
    let one = opened.epoch_secret(&store, &HERE, 256).expect("read");
    assert!(one == Some(epochs[2].1.clone()));
    assert_eq!(opened.wallet(&store, &account).expect("read").as_deref(), Some(&[3; 32]));
    assert_eq!(opened.wallets(&store).expect("read"), [account]);
    let token = opened.named(&store, "token").expect("read").expect("there");
    assert_eq!(token.as_slice(), b"bearer");

    let mut batch = Batch::new();
    batch.forget_context(&HERE);
    store.write(batch, Durability::Relaxed).expect("written");
    assert!(opened.member(&store, &HERE).expect("read").is_none());
    assert!(opened.epoch_secrets(&store, &HERE).expect("read").is_empty());
    assert_eq!(opened.wallets(&store).expect("read").len(), 1, "wallets are the node's");
}

#[test]
fn only_the_right_lock_opens() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = tempfile::tempdir().expect("temporary folder");
    let open = |unlock: &Unlock| Keystore::open(folder.path(), unlock).map(drop);
    let key_file = |name: &str, seed| {
        let path = keys.path().join(name);
        generate_key_file(&path, &mut ChaCha20Rng::seed_from_u64(seed)).expect("written");
        Unlock::KeyFile(path)
    };
    let (right, other) = (key_file("right", 1), key_file("other", 2));
    assert!(matches!(open(&right), Err(StoreError::NoKeystore { .. })));
    let keystore = create(folder.path(), &passphrase("open"));
    assert!(matches!(open(&passphrase("Open")), Err(StoreError::WrongPassphrase)));
    assert!(matches!(open(&passphrase("")), Err(StoreError::WrongPassphrase)));
    assert!(matches!(open(&right), Err(StoreError::OtherLock { needed: "passphrase" })));

    keystore.change_lock(folder.path(), &right, CHEAP, &mut rng()).expect("changed");
    open(&right).expect("opens");
    assert!(matches!(open(&other), Err(StoreError::WrongPassphrase)));
    assert!(matches!(open(&passphrase("open")), Err(StoreError::OtherLock { needed: "key file" })));
    let short = keys.path().join("short");
    fs::write(&short, [0; 31]).expect("written");
    fs::set_permissions(&short, Permissions::from_mode(0o600)).expect("closed");
    assert!(matches!(open(&Unlock::KeyFile(short)), Err(StoreError::Malformed { .. })));
    let absent = Unlock::KeyFile(keys.path().join("absent"));
    assert!(matches!(open(&absent), Err(StoreError::Io { .. })));
}

#[test]
fn the_default_cost_is_paid() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let unlock = passphrase("open");
    let keystore = Keystore::create(folder.path(), &unlock, &mut rng()).expect("created");
    let opened = Keystore::open(folder.path(), &unlock).expect("opened");
    assert_eq!(opened.node_seed(), keystore.node_seed());
    let file = fs::read(folder.path().join("keystore")).expect("there");
    let cost = [65_536_u32, 3, 1].map(u32::to_le_bytes).concat();
    assert_eq!(file.get(25..37), Some(cost.as_slice()), "recorded after magic, kind and salt");
}

#[test]
fn a_keystore_is_never_overwritten_by_a_new_one() {
    let folder = tempfile::tempdir().expect("temporary folder");
    create(folder.path(), &passphrase("open"));
    let before = fs::read(folder.path().join("keystore")).expect("there");
    let again = Keystore::create_with_cost(folder.path(), &passphrase("x"), CHEAP, &mut rng());
    assert!(matches!(again, Err(StoreError::KeystoreExists { .. })));
    assert_eq!(fs::read(folder.path().join("keystore")).expect("there"), before);
    let key = folder.path().join("key");
    generate_key_file(&key, &mut rng()).expect("written");
    let again = generate_key_file(&key, &mut rng());
    assert!(matches!(again, Err(StoreError::KeystoreExists { .. })));
}

#[test]
fn others_may_not_read_the_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().join("data");
    let key = folder.path().join("key");
    generate_key_file(&key, &mut rng()).expect("written");
    let unlock = Unlock::KeyFile(key.clone());
    create(&data, &unlock);
    for path in [data.join("keystore"), key] {
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        for exposed in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(exposed)).expect("opened");
            let refused = Keystore::open(&data, &unlock).expect_err("open to others");
            assert!(matches!(refused, StoreError::Exposed { mode, .. } if mode == exposed));
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("closed");
    }
    Keystore::open(&data, &unlock).expect("closed to others again");
}

#[test]
fn a_row_opens_only_where_it_was_sealed() {
    let store = Store::in_memory();
    let keystore = Keystore::in_memory(&mut rng());
    let other = Keystore::in_memory(&mut ChaCha20Rng::seed_from_u64(2));
    let mut batch = Batch::new();
    keystore.put_member(&mut batch, &HERE, &member_secrets(), &mut rng());
    let secret = EpochSecret::from_bytes([1; 32]);
    keystore.put_epoch_secret(&mut batch, &HERE, 1, &secret, &mut rng());
    store.write(batch, Durability::Relaxed).expect("written");
    let refused = other.member(&store, &HERE).expect_err("sealed by another keystore");
    assert!(refused.to_string().ends_with("of family keys is corrupt"), "{refused}");
    assert!(other.epoch_secrets(&store, &HERE).is_err());
    assert!(keystore.member(&store, &HERE).expect("read").is_some());
}

#[test]
fn a_named_secret_has_a_bound() {
    let keystore = Keystore::in_memory(&mut rng());
    let large = vec![0; NAMED_SECRET_BYTES_MAX + 1];
    let refused = keystore.put_named(&mut Batch::new(), "name", &large, &mut rng());
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
}

#[test]
fn nothing_secret_is_printed() {
    let keystore = Keystore::in_memory(&mut rng());
    let text = format!("{keystore:?} {:?}", passphrase("hunter2"));
    assert_eq!(text, "Keystore(…) Passphrase(…)");
    let secrets = member_secrets();
    let text = format!("{secrets:?}");
    let seed = format!("{:?}", secrets.member.seed());
    assert!(!text.contains(&seed) && text.contains("MemberSecret("), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_files_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().expect("temporary folder");
        write_keystore(folder.path(), &bytes);
        prop_assert!(Keystore::open(folder.path(), &passphrase("open")).is_err());
    }

    #[test]
    fn a_changed_file_is_an_error(at in 0_usize..4_096, bit in 0_u8..8) {
        let folder = tempfile::tempdir().expect("temporary folder");
        create(folder.path(), &passphrase("open"));
        let mut bytes = fs::read(folder.path().join("keystore")).expect("there");
        let at = at % bytes.len();
        // The top bytes of the cost: a demand of gigabytes must be refused, not tried.
        bytes[at] ^= 1 << bit;
        write_keystore(folder.path(), &bytes);
        prop_assert!(Keystore::open(folder.path(), &passphrase("open")).is_err());
    }
}

fn write_keystore(folder: &Path, bytes: &[u8]) {
    let path = folder.join("keystore");
    fs::write(&path, bytes).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("closed");
}
