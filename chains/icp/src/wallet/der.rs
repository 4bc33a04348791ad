//! Public keys in DER, each in its one canonical encoding: another one would be another principal.
//! Sources: RFC 5480, RFC 8410; IC interface specification, "Signatures", "Canister signatures",
//! "Web Authentication".

/// Before 32 bytes.
pub(super) const ED25519: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// Before an uncompressed point of 65 bytes.
pub(super) const SECP256K1: [u8; 23] =
    *b"\x30\x56\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\
    \x03\x42\x00";
/// Before an uncompressed point of 65 bytes.
pub(super) const P256: [u8; 26] =
    *b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\
    \x03\x42\x00";
/// 1.3.6.1.4.1.56387.1.1, whose key is in COSE.
pub(super) const COSE: [u8; 14] = *b"\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x83\xb8\x43\x01\x01";
/// 1.3.6.1.4.1.56387.1.2, whose key is a canister and a seed.
pub(super) const CANISTER: [u8; 14] = *b"\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x83\xb8\x43\x01\x02";

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// The key inside, if `der` is exactly `SEQUENCE { algorithm, BIT STRING { key } }`.
pub(super) fn key_of<'a>(der: &'a [u8], algorithm: &[u8]) -> Option<&'a [u8]> {
    let key = whole(der, SEQUENCE)?.strip_prefix(algorithm)?;
    // No spare bits.
    whole(key, BIT_STRING)?.strip_prefix(&[0])
}

/// The content of the element that `der` is, from end to end, with the shortest length.
fn whole(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (len, content) = match der.strip_prefix(&[tag])? {
        [0x82, high, low, content @ ..] if *high > 0 => {
            (usize::from(u16::from_be_bytes([*high, *low])), content)
        }
        [0x81, len, content @ ..] if *len >= 0x80 => (usize::from(*len), content),
        [len, content @ ..] if *len < 0x80 => (usize::from(*len), content),
        _ => return None,
    };
    (len == content.len()).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_has_one_length() {
        let content = |len: usize| vec![7; len];
        let check = |head: &[u8], len: usize, is_legal: bool| {
            let der = [head, &content(len)].concat();
            assert_eq!(whole(&der, SEQUENCE), is_legal.then_some(&content(len)[..]), "{head:x?}");
        };
        check(&[0x30, 0], 0, true);
        check(&[0x30, 0x7f], 127, true);
        check(&[0x30, 0x81, 0x80], 128, true);
        check(&[0x30, 0x82, 1, 0], 256, true);
        check(&[0x30, 0x81, 0x7f], 127, false);
        check(&[0x30, 0x82, 0, 0xff], 255, false);
        check(&[0x30, 0x83, 0, 1, 0], 256, false);
        check(&[0x30, 0x80], 5, false);
        check(&[0x30, 4], 5, false);
        check(&[0x30, 6], 5, false);
        check(&[0x31, 5], 5, false);
        check(&[0x30], 0, false);
    }
}
