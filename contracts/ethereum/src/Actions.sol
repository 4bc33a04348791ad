// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "./IRegistry.sol";

/// @title The canonical encoding of actions: `kind u8 | length u16 | payload`, big endian.
/// @notice An account is `length u8 | bytes`; on this chain always 20 bytes and not zero.
library Actions {
    uint8 internal constant NOMINATE_ADMIN = 0x01;
    uint8 internal constant REMOVE_ADMIN = 0x02;
    uint8 internal constant SET_THRESHOLD = 0x03;
    uint8 internal constant SET_DELAY = 0x04;
    uint8 internal constant SET_MEMBERS_ROOT = 0x05;
    uint8 internal constant SET_APP = 0x08;
    uint8 internal constant SET_INVITE_ROOT = 0x09;
    uint8 internal constant SET_CAPS = 0x0A;
    uint8 internal constant SET_GUARDIAN = 0x0B;
    uint8 internal constant DISSOLVE = 0x0F;
    uint8 internal constant SET_META = 0x10;
    uint8 internal constant CANCEL_RECOVERY = 0x11;

    uint8 internal constant CLASS_ROUTINE = 0;
    uint8 internal constant CLASS_APP = 1;
    uint8 internal constant CLASS_ADMIN = 2;
    uint8 internal constant CLASS_ROOT = 3;

    /// A batch is read by people before they approve it.
    uint256 internal constant COUNT_MAX = 16;
    /// Keeps the cost of a batch far below a block's.
    uint256 internal constant BYTES_MAX = 4096;

    uint256 private constant HEADER = 3;

    /// @notice The class of a well-formed batch, which is the highest of its actions, and whether
    /// it sets the guardian.
    /// @dev Reverts with E16 for malformed bytes and E17 for kinds outside this version, by the
    /// first action that has either.
    function survey(bytes calldata actions, uint8 admins)
        internal
        pure
        returns (uint8 class, bool setsGuardian)
    {
        if (actions.length == 0 || actions.length > BYTES_MAX) {
            revert IRegistry.E16_BadActions();
        }
        uint256 offset;
        uint256 count;
        while (offset < actions.length) {
            if (++count > COUNT_MAX) revert IRegistry.E16_BadActions();
            (uint8 kind, bytes calldata payload, uint256 end) = next(actions, offset);
            _check(kind, payload);
            uint8 own = _class(kind, admins);
            if (own > class) class = own;
            if (kind == SET_GUARDIAN) setsGuardian = true;
            offset = end;
        }
    }

    /// @notice The action at byte `offset`, and where the next one begins.
    function next(bytes calldata actions, uint256 offset)
        internal
        pure
        returns (uint8 kind, bytes calldata payload, uint256 end)
    {
        uint256 start = offset + HEADER;
        if (start > actions.length) revert IRegistry.E16_BadActions();
        kind = uint8(actions[offset]);
        end = start + uint16(bytes2(actions[offset + 1:start]));
        if (end > actions.length) revert IRegistry.E16_BadActions();
        payload = actions[start:end];
    }

    /// @notice The account that a payload begins with.
    function account(bytes calldata payload) internal pure returns (address) {
        return address(bytes20(payload[1:21]));
    }

    /// @notice The account that a whole payload is; zero for none.
    function accountIfAny(bytes calldata payload) internal pure returns (address) {
        return payload.length == 1 ? address(0) : account(payload);
    }

    function _check(uint8 kind, bytes calldata payload) private pure {
        uint256 length = _length(kind);
        if (kind == SET_GUARDIAN && payload.length == 1) {
            // Nobody: an account of length 0.
            if (payload[0] != 0) revert IRegistry.E16_BadActions();
            return;
        }
        if (payload.length != length) revert IRegistry.E16_BadActions();
        if (kind == NOMINATE_ADMIN || kind == REMOVE_ADMIN || kind == SET_GUARDIAN) {
            if (uint8(payload[0]) != 20 || account(payload) == address(0)) {
                revert IRegistry.E16_BadActions();
            }
        }
        if (kind == SET_DELAY && uint8(payload[0]) > CLASS_ROOT) revert IRegistry.E16_BadActions();
    }

    function _length(uint8 kind) private pure returns (uint256) {
        if (kind == SET_MEMBERS_ROOT) return 100;
        if (kind == NOMINATE_ADMIN) return 25;
        if (kind == REMOVE_ADMIN) return 21;
        if (kind == SET_THRESHOLD) return 1;
        if (kind == SET_DELAY) return 5;
        if (kind == SET_APP) return 64;
        if (kind == SET_INVITE_ROOT) return 64;
        if (kind == SET_CAPS) return 36;
        if (kind == SET_GUARDIAN) return 21;
        if (kind == DISSOLVE) return 0;
        if (kind == SET_META) return 32;
        if (kind == 0 || kind > CANCEL_RECOVERY) revert IRegistry.E16_BadActions();
        revert IRegistry.E17_Reserved(kind);
    }

    function _class(uint8 kind, uint8 admins) private pure returns (uint8) {
        if (kind == SET_MEMBERS_ROOT || kind == SET_INVITE_ROOT || kind == SET_META) {
            return CLASS_ROUTINE;
        }
        if (kind == SET_APP || kind == SET_CAPS) return CLASS_APP;
        if (kind == SET_DELAY || kind == SET_GUARDIAN || kind == DISSOLVE) return CLASS_ROOT;
        if (kind == NOMINATE_ADMIN && admins < 2) return CLASS_ROUTINE;
        return CLASS_ADMIN;
    }
}
