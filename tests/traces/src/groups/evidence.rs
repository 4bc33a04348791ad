//! T10 and T11: what accounts say about member keys.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{by, h},
    eip155::{ED25519, P256, SECP256K1},
    scene::{STRANGER, Scene, Written, write},
    script::{Ask, Deed, Elsewhere, Flaw, Hex, Over, Signature},
};

/// The key that bob binds where nothing else is said.
const fn phone(scheme: u8) -> &'static str {
    match scheme {
        ED25519 => "phone-ed25519",
        P256 => "phone-p256",
        _ => "phone-secp256k1",
    }
}

/// For a minute.
fn bind(s: &mut Scene, scheme: u8, signature: Signature) -> Result<Ask> {
    let key = s.key(phone(scheme), scheme)?;
    Ok(Ask::Bind { scheme, key, signature, expiry_s: s.next_s() + 60 })
}

fn over(scheme: u8, over: Over) -> Signature {
    Signature::By { by: phone(scheme).to_owned(), over: Some(Box::new(over)), flaw: None }
}

/// T10.
pub(super) fn binds() -> Result<Vec<Written>> {
    Ok([bound()?, sizes()?, forged()?].into_iter().flatten().collect())
}

fn bound() -> Result<Vec<Written>> {
    let mut written = Vec::new();
    for (what, scheme) in [("an Ed25519", ED25519), ("a secp256k1", SECP256K1), ("a P-256", P256)] {
        let name = format!("{what} key is bound");
        written.push(write(&name, "anybody binds a key that signed so; no revision", |s| {
            s.create()?;
            let ask = bind(s, scheme, by(phone(scheme)))?;
            s.ok("bob", ask.clone(), "Bound")?;
            s.ok("bob", ask, "Bound")?;
            s.head([1, 1, 0, 1, 1, 1, 0b1]);
            Ok(())
        })?);
    }
    written.push(write("a binding holds in its expiry's second", "not one later: E60", |s| {
        s.create()?;
        let key = s.key(phone(SECP256K1), SECP256K1)?;
        let ask = |key: &Hex, expiry_s| {
            let key = key.clone();
            Ask::Bind { scheme: SECP256K1, key, signature: by(phone(SECP256K1)), expiry_s }
        };
        s.ok("bob", ask(&key, s.next_s()), "Bound")?;
        s.no("bob", ask(&key, s.next_s() - 1), Code::E60)?;
        s.no("bob", ask(&key, 0), Code::E60)?;
        s.ok("bob", ask(&key, u64::MAX), "Bound")
    })?);
    written.push(write("nothing is bound where no record is", "E10", |s| {
        let ask = bind(s, SECP256K1, by(phone(SECP256K1)))?;
        s.no("bob", ask, Code::E10)
    })?);
    written.push(write("nothing is bound in a dissolved record", "10 before 60", |s| {
        s.create()?;
        s.act("alice", vec![Deed::Dissolve])?;
        let ask = bind(s, SECP256K1, Signature::Bytes(Hex::of([])))?;
        s.no("bob", ask, Code::E10)
    })?);
    Ok(written)
}

fn sizes() -> Result<Vec<Written>> {
    let sized = |name: &str, summary: &str, key: usize, signature: usize, holds: bool| {
        write(name, summary, |s| {
            s.create()?;
            let (key, signature) = (Hex::of(vec![4; key]), Hex::of(vec![5; signature]));
            let (scheme, expiry_s) = (ED25519, s.next_s() + 60);
            let signature = Signature::Bytes(signature);
            let ask = Ask::Bind { scheme, key, signature, expiry_s };
            if holds { s.ok("bob", ask, "Bound") } else { s.no("bob", ask, Code::E60) }
        })
    };
    let mut written = vec![
        sized("a bound key has a byte at least", "none: E60", 0, 64, false)?,
        sized("a bound key has 96 bytes at most", "97: E60", 97, 64, false)?,
        sized("a binding's signature has a byte at least", "none: E60", 32, 0, false)?,
        sized("a binding's signature has 256 bytes at most", "257: E60", 32, 257, false)?,
    ];
    for scheme in [0, 4, 255] {
        let name = format!("there is no scheme {scheme}");
        written.push(write(&name, "1 to 3 are: E60", |s| {
            s.create()?;
            let key = s.key(phone(SECP256K1), SECP256K1)?;
            let expiry_s = s.next_s() + 60;
            s.no(
                "bob",
                Ask::Bind { scheme, key, signature: by(phone(SECP256K1)), expiry_s },
                Code::E60,
            )
        })?);
    }
    for (scheme, size) in [(SECP256K1, 63), (SECP256K1, 65), (P256, 63), (P256, 65)] {
        let name = format!("a key of scheme {scheme} does not have {size} bytes");
        written.push(write(&name, "64: E60", |s| {
            s.create()?;
            let (key, expiry_s) = (Hex::of(vec![4; size]), s.next_s() + 60);
            let signature = Signature::Bytes(Hex::of([5; 64]));
            s.no("bob", Ask::Bind { scheme, key, signature, expiry_s }, Code::E60)
        })?);
    }
    Ok(written)
}

fn forged() -> Result<Vec<Written>> {
    let bad = |name: &str, scheme: u8, signature: Signature| {
        write(name, "the key did not sign this: E60", |s| {
            s.create()?;
            let ask = bind(s, scheme, signature.clone())?;
            s.no("bob", ask, Code::E60)
        })
    };
    let elsewhere = |scheme, place| over(scheme, Over { place: Some(place), ..Over::default() });
    let account =
        |scheme| over(scheme, Over { account: Some(STRANGER.to_owned()), ..Over::default() });
    let own = phone(SECP256K1).to_owned();
    let short = Signature::By { by: own, over: None, flaw: Some(Flaw::Short) };
    Ok(vec![
        write("a binding is the caller's alone", "who copies the call is refused: E60", |s| {
            s.create()?;
            let ask = bind(s, SECP256K1, by(phone(SECP256K1)))?;
            s.ok("bob", ask, "Bound")?;
            let signed_for =
                over(SECP256K1, Over { account: Some("bob".to_owned()), ..Over::default() });
            let ask = bind(s, SECP256K1, signed_for)?;
            s.no(STRANGER, ask, Code::E60)
        })?,
        bad("a secp256k1 key signs for the caller", SECP256K1, account(SECP256K1))?,
        bad("a P-256 key signs for the caller", P256, account(P256))?,
        bad(
            "a binding of another chain does not hold",
            SECP256K1,
            elsewhere(SECP256K1, Elsewhere::OtherChain),
        )?,
        bad(
            "a binding of another registry does not hold",
            SECP256K1,
            elsewhere(SECP256K1, Elsewhere::OtherRegistry),
        )?,
        bad(
            "a binding of another record does not hold",
            P256,
            elsewhere(P256, Elsewhere::OtherContext),
        )?,
        bad(
            "a binding of another key does not hold",
            SECP256K1,
            over(SECP256K1, Over { key: Some(h(4)), ..Over::default() }),
        )?,
        bad(
            "a binding with another expiry does not hold",
            SECP256K1,
            over(SECP256K1, Over { expiry_s: Some(u64::MAX), ..Over::default() }),
        )?,
        bad("a binding is signed by its key", SECP256K1, by("bob"))?,
        bad("a binding's signature is not cut", SECP256K1, short)?,
        bad("a P-256 signature of zeros does not hold", P256, Signature::Bytes(Hex::of([0; 64])))?,
        bad("a P-256 signature has 64 bytes", P256, Signature::Bytes(Hex::of([1; 65])))?,
    ])
}

/// T11.
pub(super) fn unbinds() -> Result<Vec<Written>> {
    let unbind = |key: &[u8]| Ask::Unbind { key: Hex::of(key) };
    Ok(vec![
        write("a key is unbound", "by the account that bound it; no revision", |s| {
            s.create()?;
            let ask = bind(s, SECP256K1, by(phone(SECP256K1)))?;
            s.ok("bob", ask, "Bound")?;
            let key = s.key(phone(SECP256K1), SECP256K1)?;
            s.ok("bob", Ask::Unbind { key }, "Unbound")?;
            s.head([1, 1, 0, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("anybody says that it unbinds a key", "it speaks for itself alone", |s| {
            s.create()?;
            s.ok(STRANGER, unbind(&[4; 32]), "Unbound")
        })?,
        write("nothing is unbound where no record is", "E10", |s| {
            s.no("bob", unbind(&[4; 32]), Code::E10)
        })?,
        write("nothing is unbound in a dissolved record", "E10", |s| {
            s.create()?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("bob", unbind(&[4; 32]), Code::E10)
        })?,
    ])
}
