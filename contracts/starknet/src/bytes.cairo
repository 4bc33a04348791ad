//! Bytes: hashes over them, what they are put together from, what is read off them.

#[feature("byte-span")]
use core::byte_array::{ByteSpan, ByteSpanTrait, ToByteSpanTrait};
use core::integer::u128_byte_reverse;
use core::keccak::{cairo_keccak, keccak_u256s_be_inputs};
use starknet::ContractAddress;
use crate::bytes32::Bytes32;

/// Every account of this chain has so many bytes.
pub const ACCOUNT_BYTES: u8 = 32;
/// So many bytes fit a half of 32.
const HALF: usize = 16;
/// So many fit a word that keccak takes.
const WORD: usize = 8;

/// keccak-256 as on the other chains.
///
/// The core library's own function for byte arrays goes byte by byte, at six times the gas.
pub fn keccak(bytes: @ByteArray) -> Bytes32 {
    let mut felts = array![];
    bytes.serialize(ref felts);
    let mut felts = felts.span();
    let mut sponge = SpongeTrait::new();
    // In this order: how many whole words of 31 bytes, these, the unfinished one, its length.
    let mut count: usize = next(ref felts);
    while count != 0 {
        let u256 { low, high } = next(ref felts);
        sponge.absorb(high, 31 - HALF);
        sponge.absorb(low, HALF);
        count -= 1;
    }
    let u256 { low, high } = next(ref felts);
    let length: usize = next(ref felts);
    if length > HALF {
        sponge.absorb(high, length - HALF);
        sponge.absorb(low, HALF);
    } else if length != 0 {
        sponge.absorb(low, length);
    }
    sponge.squeeze()
}

fn next<T, +TryInto<felt252, T>, +Drop<T>>(ref felts: Span<felt252>) -> T {
    (*felts.pop_front().unwrap()).try_into().unwrap()
}

/// What keccak takes: words of 8 bytes, the first of which is the lowest.
#[derive(Drop)]
pub struct Sponge {
    words: Array<u64>,
    /// Bytes that do not make a word yet.
    rest: u128,
    /// How many they are, 0 to 7.
    held: usize,
}

#[generate_trait]
pub impl SpongeImpl of SpongeTrait {
    fn new() -> Sponge {
        Sponge { words: array![], rest: 0, held: 0 }
    }

    fn absorb_word(ref self: Sponge, word: Bytes32) {
        self.absorb(word.high, HALF);
        self.absorb(word.low, HALF);
    }

    /// keccak-256 of what was taken.
    fn squeeze(self: Sponge) -> Bytes32 {
        let Sponge { mut words, rest, held } = self;
        from_little_endian(cairo_keccak(ref words, rest.try_into().unwrap(), held))
    }

    /// Takes the big-endian number of 1 to 16 bytes.
    fn absorb(ref self: Sponge, number: u128, length: usize) {
        let mut reversed = u128_byte_reverse(number);
        if length != HALF {
            reversed = reversed / power(HALF - length);
        }
        let total = self.held + length;
        if total < WORD {
            self.rest = self.rest + reversed * power(self.held);
            self.held = total;
            return;
        }
        let (upper, lower) = div_rem(reversed, power(WORD - self.held));
        self.words.append((self.rest + lower * power(self.held)).try_into().unwrap());
        if total < 2 * WORD {
            self.rest = upper;
            self.held = total - WORD;
        } else {
            let (rest, word) = div_rem(upper, power(WORD));
            self.words.append(word.try_into().unwrap());
            self.rest = rest;
            self.held = total - 2 * WORD;
        }
    }
}

fn div_rem(number: u128, divisor: u128) -> (u128, u128) {
    DivRem::div_rem(number, divisor.try_into().unwrap())
}

/// 256 to the power of `exponent`, which is below 16.
fn power(exponent: usize) -> u128 {
    *POWERS.span().at(exponent)
}

const POWERS: [u128; 16] = [
    0x1, 0x100, 0x10000, 0x1000000, 0x100000000, 0x10000000000, 0x1000000000000, 0x100000000000000,
    0x10000000000000000, 0x1000000000000000000, 0x100000000000000000000, 0x10000000000000000000000,
    0x1000000000000000000000000, 0x100000000000000000000000000, 0x10000000000000000000000000000,
    0x1000000000000000000000000000000,
];

/// keccak-256 over two words.
pub fn keccak_pair(first: u256, second: u256) -> Bytes32 {
    from_little_endian(keccak_u256s_be_inputs(array![first, second].span()))
}

/// keccak-256 over one word.
pub fn keccak_word(word: Bytes32) -> Bytes32 {
    from_little_endian(keccak_u256s_be_inputs(array![word.into()].span()))
}

/// The chain's keccak gives its 32 bytes with the last one first.
fn from_little_endian(hash: u256) -> Bytes32 {
    Bytes32 { high: u128_byte_reverse(hash.low), low: u128_byte_reverse(hash.high) }
}

#[generate_trait]
pub impl WriterImpl of WriterTrait {
    fn put_u8(ref self: ByteArray, number: u8) {
        self.append_byte(number);
    }

    fn put_u32(ref self: ByteArray, number: u32) {
        self.append_word(number.into(), 4);
    }

    fn put_u64(ref self: ByteArray, number: u64) {
        self.append_word(number.into(), 8);
    }

    fn put_word(ref self: ByteArray, word: Bytes32) {
        self.append_word(word.high.into(), HALF);
        self.append_word(word.low.into(), HALF);
    }

    /// `32 ‖ bytes`.
    fn put_account(ref self: ByteArray, account: ContractAddress) {
        self.put_u8(ACCOUNT_BYTES);
        let number: felt252 = account.into();
        let number: u256 = number.into();
        self.put_word(number.into());
    }

    /// `length u8 ‖ bytes`. The callers bound the length.
    fn put_short(ref self: ByteArray, bytes: @ByteArray) {
        self.put_u8(bytes.len().try_into().unwrap());
        self.append(bytes);
    }
}

/// The big-endian number of 1 to 16 bytes at `offset`; none past the end.
pub fn number_at(bytes: @ByteSpan, offset: usize, length: usize) -> Option<u128> {
    let part = bytes.get(offset..offset + length)?.to_byte_array();
    // So short that it is the unfinished word alone: no full words, that word, its length.
    let mut felts = array![];
    part.serialize(ref felts);
    (*felts.at(1)).try_into()
}

/// The 32 bytes at `offset`; none past the end.
pub fn word_at(bytes: @ByteSpan, offset: usize) -> Option<Bytes32> {
    let high = number_at(bytes, offset, HALF)?;
    let low = number_at(bytes, offset + HALF, HALF)?;
    Some(Bytes32 { high, low })
}

/// The part of `bytes` from `start` up to `end`; none past the end.
pub fn part_of(bytes: @ByteSpan, start: usize, end: usize) -> Option<ByteSpan> {
    bytes.get(start..end)
}

/// The bytes themselves, to be read.
pub fn span_of(bytes: @ByteArray) -> ByteSpan {
    bytes.span()
}

/// The bytes of a short string such as a chain id.
pub fn text_of(short: felt252) -> ByteArray {
    let number: u256 = short.into();
    let mut length = 0;
    let mut left = number;
    // Ends: a short string has at most 31 bytes.
    while left != 0 {
        left = left / 0x100;
        length += 1;
    }
    let mut text = "";
    if length != 0 {
        text.append_word(short, length);
    }
    text
}
