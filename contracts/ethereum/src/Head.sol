// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A context's head, unpacked.
struct Head {
    uint64 rev;
    uint32 seatsEpoch;
    uint64 seq;
    uint8 threshold;
    uint8 admins;
    uint8 status;
    uint8 flags;
    uint64 active;
}

/// @title The head as one storage word.
/// @notice `rev u64 | seats epoch u32 | seq u64 | threshold u8 | admins u8 | status u8 | flags u8 |
/// active u64`, most significant first, so that one storage proof shows it whole.
library HeadWord {
    function pack(Head memory head) internal pure returns (uint256 word) {
        word = uint256(head.rev) << 192;
        word |= uint256(head.seatsEpoch) << 160;
        word |= uint256(head.seq) << 96;
        word |= uint256(head.threshold) << 88;
        word |= uint256(head.admins) << 80;
        word |= uint256(head.status) << 72;
        word |= uint256(head.flags) << 64;
        word |= head.active;
    }

    function unpack(uint256 word) internal pure returns (Head memory head) {
        head.rev = uint64(word >> 192);
        head.seatsEpoch = uint32(word >> 160);
        head.seq = uint64(word >> 96);
        head.threshold = uint8(word >> 88);
        head.admins = uint8(word >> 80);
        head.status = uint8(word >> 72);
        head.flags = uint8(word >> 64);
        head.active = uint64(word);
    }
}
