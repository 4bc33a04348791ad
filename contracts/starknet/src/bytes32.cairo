//! 32 bytes in two felts, since one does not hold them.

/// A hash or another word of 32 bytes: its first 16 bytes and its last, big endian. The high half
/// comes first wherever it is written down, unlike that of a `u256`.
#[derive(Copy, Drop, Serde, PartialEq, Hash, starknet::Store)]
pub struct Bytes32 {
    pub high: u128,
    pub low: u128,
}

pub const ZERO: Bytes32 = Bytes32 { high: 0, low: 0 };

#[generate_trait]
pub impl Bytes32Impl of Bytes32Trait {
    fn is_zero(self: Bytes32) -> bool {
        self == ZERO
    }
}

pub impl Bytes32IntoU256 of Into<Bytes32, u256> {
    fn into(self: Bytes32) -> u256 {
        u256 { low: self.low, high: self.high }
    }
}

pub impl U256IntoBytes32 of Into<u256, Bytes32> {
    fn into(self: u256) -> Bytes32 {
        Bytes32 { high: self.high, low: self.low }
    }
}
