// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Actions} from "./Actions.sol";
import {ACTIVE, Admin, Context, Contexts, DISSOLVED} from "./Context.sol";
import {Head, HeadWord} from "./Head.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title What the actions of a batch do to a record.
library Batches {
    using Contexts for Context;
    using HeadWord for Head;

    /// A nomination that nobody takes ends by itself.
    uint256 private constant TTL_MAX = 90 days;

    /// @notice Applies a well-formed batch in order, all or none; each action is a revision. Stores
    /// head and log head.
    function execute(Context storage c, bytes32 ctx, Head memory h, bytes calldata actions)
        internal
    {
        bytes32 logHead = c.logHead;
        bool setsThreshold;
        uint256 offset;
        while (offset < actions.length) {
            (uint8 kind, bytes calldata payload, uint256 end) = Actions.next(actions, offset);
            offset = end;
            if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
            if (kind == Actions.SET_THRESHOLD) setsThreshold = true;
            _apply(c, h, kind, payload);
            logHead = Contexts.advance(ctx, h, logHead, kind, payload);
        }
        if (h.threshold > h.admins) {
            if (setsThreshold) revert IRegistry.E55_BadThreshold();
            revert IRegistry.E54_RemovalRefused();
        }
        c.logHead = logHead;
        c.head = h.pack();
    }

    function _apply(Context storage c, Head memory h, uint8 kind, bytes calldata payload) private {
        if (kind == Actions.SET_MEMBERS_ROOT) _setMembersRoot(c, payload);
        else if (kind == Actions.NOMINATE_ADMIN) _nominate(c, payload);
        else if (kind == Actions.REMOVE_ADMIN) _removeAdmin(c, h, payload);
        else if (kind == Actions.SET_THRESHOLD) _setThreshold(h, payload);
        else if (kind == Actions.SET_DELAY) _setDelay(c, payload);
        else if (kind == Actions.SET_APP) c.appHash = bytes32(payload[:32]);
        else if (kind == Actions.SET_INVITE_ROOT) _setInviteRoot(c, payload);
        else if (kind == Actions.SET_GUARDIAN) c.guardian = Actions.accountIfAny(payload);
        else if (kind == Actions.DISSOLVE) h.status = DISSOLVED;
        else if (kind == Actions.SET_META) c.metaHash = bytes32(payload);
        // SetCaps is recorded: the revision is all there is.
        else if (kind != Actions.SET_CAPS) revert IRegistry.E17_Reserved(kind);
    }

    function _nominate(Context storage c, bytes calldata payload) private {
        uint256 ttl = uint32(bytes4(payload[21:25]));
        if (ttl == 0 || ttl > TTL_MAX) revert IRegistry.E59_BadTtl();
        Admin storage a = c.admins[Actions.account(payload)];
        if (a.seat != 0) revert IRegistry.E58_NomineeIsAdmin();
        a.nominatedUntil = uint64(block.timestamp + ttl);
    }

    function _removeAdmin(Context storage c, Head memory h, bytes calldata payload) private {
        address account = Actions.account(payload);
        if (c.admins[account].seat == 0 || h.admins < 2) revert IRegistry.E54_RemovalRefused();
        c.vacate(h, account);
    }

    function _setThreshold(Head memory h, bytes calldata payload) private pure {
        uint8 threshold = uint8(payload[0]);
        if (threshold == 0) revert IRegistry.E55_BadThreshold();
        h.threshold = threshold;
        h.seatsEpoch += 1;
    }

    function _setDelay(Context storage c, bytes calldata payload) private {
        c.setDelay(uint8(payload[0]), uint32(bytes4(payload[1:5])));
    }

    function _setMembersRoot(Context storage c, bytes calldata payload) private {
        bytes32 current = c.membersRoot;
        if (bytes32(payload[:32]) != current) revert IRegistry.E57_StaleRoot(current);
        c.membersRoot = bytes32(payload[32:64]);
        c.membersCount = uint32(bytes4(payload[64:68]));
    }

    function _setInviteRoot(Context storage c, bytes calldata payload) private {
        bytes32 current = c.inviteRoot;
        if (bytes32(payload[:32]) != current) revert IRegistry.E57_StaleRoot(current);
        c.inviteRoot = bytes32(payload[32:64]);
    }
}
