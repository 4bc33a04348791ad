// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Head} from "./Head.sol";
import {IRegistry} from "./IRegistry.sol";

/// @notice One context's record in storage.
/// @dev Reserved fields belong to transitions that version 1 only numbers; they keep its layout
/// whole.
struct Context {
    uint256 head;
    bytes32 logHead;
    bytes32 contextKeyHash;
    bytes32 appHash;
    bytes32 membersRoot;
    // One word, since every proposal and every execution reads it.
    uint32 membersCount;
    uint128 delays; // Seconds per class, u32 each, class 0 in the lowest bits.
    uint8 openProposals;
    uint8 lowering; // Bit per class: its entry in `pendingDelays` holds.
    uint40 frozenUntil; // Exclusive; 0 if it never was frozen.
    uint40 lastFreeze; // 0 for never.
    bytes32 metaHash;
    bytes32 inviteRoot;
    address guardian;
    // The revision at which each seat was taken; 0 for the creator's first.
    uint64[64] seatSince;
    mapping(address account => Admin) admins;
    mapping(uint64 seq => OpenProposal) proposals;
    PendingDelay[4] pendingDelays;
    bytes32 attestersRoot; // Reserved.
    uint8 attestersNeeded; // Reserved.
    mapping(bytes32 nullifier => bool) nullifiers;
    mapping(bytes32 keyHash => uint64) explicitMembers; // Reserved.
}

/// @notice An account that is or was an admin or a nominee.
/// @dev `seat` is the index + 1; 0 = no seat.
struct Admin {
    uint8 seat;
    uint8 open;
    uint64 nominatedUntil;
}

/// @notice A proposal that is not closed yet.
struct OpenProposal {
    bytes32 actionsHash;
    Ballot ballot;
    address proposer;
}

/// @notice What changes while a proposal is open and what its guards look at, in one word.
/// @dev Bitmaps of seats have 32 bits, since there are no more seats. `eta` is 0 until the
/// approvals are enough; `expiry` is 0 only if there is no such proposal.
struct Ballot {
    uint32 approvals;
    uint32 withdrawn;
    uint64 createdRev;
    uint40 eta;
    uint40 expiry;
    uint8 threshold;
    uint8 class;
    bool setsGuardian;
}

/// @notice A delay that was lowered, and from when on it counts.
struct PendingDelay {
    uint32 value;
    uint40 effective;
}

uint8 constant ACTIVE = 1;
uint8 constant DISSOLVED = 2;

/// @title What all transitions do with a record.
library Contexts {
    // Revision kinds that are no action: 0x80 + number of the transition.
    uint8 internal constant CREATED = 0x80;
    uint8 internal constant ADMIN_ACCEPTED = 0x88;
    uint8 internal constant ADMIN_RENOUNCED = 0x89;
    uint8 internal constant FROZEN = 0x8D;

    /// The bitmap has 64 seats; more than 32 people do not govern one room.
    uint8 private constant SEATS_MAX = 32;
    /// Longer, and a mistake could not be undone in time.
    uint256 private constant DELAY_MAX = 30 days;
    /// Long enough to act, short enough that a guardian cannot hold a context hostage.
    uint256 private constant FREEZE_MAX = 7 days;
    /// So that one freeze does not follow the other.
    uint256 private constant FREEZE_PAUSE = 30 days;

    // ---------------------------------------------------------------- log

    /// @notice The next revision: counts it in `h`, tells it, and gives the log head after it.
    function advance(bytes32 ctx, Head memory h, bytes32 previous, uint8 kind, bytes memory payload)
        internal
        returns (bytes32 logHead)
    {
        uint64 rev = h.rev + 1;
        h.rev = rev;
        logHead = keccak256(abi.encodePacked(previous, rev, kind, keccak256(payload)));
        emit IRegistry.Rev(ctx, rev, kind, payload, logHead);
    }

    // ---------------------------------------------------------------- seats

    /// @notice Gives the caller, who was nominated, the lowest free seat.
    function accept(Context storage c, bytes32 ctx, Head memory h) internal {
        Admin storage a = c.admins[msg.sender];
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        if (a.seat != 0) revert IRegistry.E51_AlreadyAdmin();
        uint64 until = a.nominatedUntil;
        if (until == 0 || until < block.timestamp) revert IRegistry.E50_NotNominated();
        if (h.admins >= SEATS_MAX) revert IRegistry.E52_NoFreeSeat();
        uint8 seat = _lowestFree(h.active);
        a.seat = seat + 1;
        a.nominatedUntil = 0;
        h.active |= uint64(1) << seat;
        h.admins += 1;
        h.seatsEpoch += 1;
        bytes memory payload = abi.encodePacked(uint8(20), msg.sender);
        c.logHead = advance(ctx, h, c.logHead, ADMIN_ACCEPTED, payload);
        c.seatSince[seat] = h.rev;
    }

    /// @notice Takes the caller's seat back; the threshold sinks with the admins.
    function renounce(Context storage c, bytes32 ctx, Head memory h) internal {
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        if (c.admins[msg.sender].seat == 0) revert IRegistry.E12_NotAdmin();
        if (h.admins < 2) revert IRegistry.E53_LastAdmin();
        vacate(c, h, msg.sender);
        if (h.threshold > h.admins) h.threshold = h.admins;
        bytes memory payload = abi.encodePacked(uint8(20), msg.sender);
        c.logHead = advance(ctx, h, c.logHead, ADMIN_RENOUNCED, payload);
    }

    /// @notice Frees the seat of `account`, which holds one.
    function vacate(Context storage c, Head memory h, address account) internal {
        Admin storage a = c.admins[account];
        h.active &= ~(uint64(1) << (a.seat - 1));
        h.admins -= 1;
        h.seatsEpoch += 1;
        a.seat = 0;
    }

    // ---------------------------------------------------------------- delays

    /// @notice Seconds that batches of `class` wait at present.
    function delayOf(Context storage c, uint8 class) internal view returns (uint256) {
        if ((c.lowering >> class) & 1 != 0) {
            PendingDelay storage pending = c.pendingDelays[class];
            if (pending.effective <= block.timestamp) return pending.value;
        }
        return uint32(c.delays >> (32 * uint256(class)));
    }

    /// @notice Raises a delay at once; lowers it after the present one, so that nobody can skip it.
    function setDelay(Context storage c, uint8 class, uint32 value) internal {
        if (value > DELAY_MAX) revert IRegistry.E56_BadDelay();
        uint256 present = delayOf(c, class);
        uint8 bit = uint8(1) << class;
        if (value >= present) {
            _putDelay(c, class, value);
            c.lowering &= ~bit;
        } else {
            _putDelay(c, class, present);
            c.lowering |= bit;
            c.pendingDelays[class] = PendingDelay(value, uint40(block.timestamp + present));
        }
    }

    /// @notice The delays that a record begins with, in one word.
    function packDelays(uint32[4] calldata delays) internal pure returns (uint128 packed) {
        for (uint256 class = 0; class < 4; class++) {
            if (delays[class] > DELAY_MAX) revert IRegistry.E03_BadTerms();
            packed |= uint128(delays[class]) << uint128(32 * class);
        }
    }

    // ---------------------------------------------------------------- freeze

    function isFrozen(Context storage c) internal view returns (bool) {
        return block.timestamp < c.frozenUntil;
    }

    /// @notice Lets the guardian stop grave proposals and all executions for `secs` seconds.
    function freeze(Context storage c, bytes32 ctx, Head memory h, uint32 secs) internal {
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        uint256 last = c.lastFreeze;
        bool rested = last == 0 || last + FREEZE_PAUSE <= block.timestamp;
        if (msg.sender != c.guardian || secs == 0 || secs > FREEZE_MAX || !rested) {
            revert IRegistry.E80_FreezeRefused();
        }
        uint64 until = uint64(block.timestamp + secs);
        c.lastFreeze = uint40(block.timestamp);
        c.frozenUntil = uint40(until);
        c.logHead = advance(ctx, h, c.logHead, FROZEN, abi.encodePacked(until));
    }

    // ---------------------------------------------------------------- parts

    function _putDelay(Context storage c, uint8 class, uint256 value) private {
        uint128 shift = 32 * uint128(class);
        c.delays = (c.delays & ~(uint128(type(uint32).max) << shift)) | (uint128(value) << shift);
    }

    /// @dev Index of the lowest zero bit. The callers' bitmaps have one.
    function _lowestFree(uint64 bitmap) private pure returns (uint8 index) {
        while (bitmap & 1 != 0) {
            bitmap >>= 1;
            index++;
        }
    }
}
