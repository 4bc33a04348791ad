//! Half bytes: the steps of a trie's paths.
//!
//! Source: nearcore, `core/store/src/trie/nibble_slice.rs`.

/// The nibbles of `bytes`, high ones first.
pub(super) fn of(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

/// The bytes of two parts of a path, whose nibbles are even in number together.
pub(super) fn join(path: &[u8], rest: &[u8]) -> Vec<u8> {
    let nibbles = [path, rest].concat();
    nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// How many nibbles two paths have in common.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Length of [`encode`], in bytes.
pub(super) const fn encoded_len(path: &[u8]) -> usize {
    path.len() / 2 + 1
}

/// With a first byte that says whether the path is a leaf's, and whether its low nibble is one of
/// the path.
pub(super) fn encode(path: &[u8], is_leaf: bool) -> Vec<u8> {
    let flag = if is_leaf { 0x20 } else { 0 };
    let (first, rest) =
        if path.len() % 2 == 1 { (flag | 0x10 | path[0], &path[1..]) } else { (flag, path) };
    let pairs = rest.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]);
    std::iter::once(first).chain(pairs).collect()
}
