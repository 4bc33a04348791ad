// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Actions} from "./Actions.sol";
import {Batches} from "./Batches.sol";
import {ACTIVE, Admin, Ballot, Context, Contexts, OpenProposal} from "./Context.sol";
import {Head} from "./Head.sol";
import {IRegistry} from "./IRegistry.sol";
import {Signatures} from "./Signatures.sol";

/// @title T1 to T7: from a proposal to its end.
/// @notice A ballot is worked on in memory and stored once all guards have held.
library Proposals {
    using Contexts for Context;

    uint8 private constant OPEN = 1;
    uint8 private constant QUEUED = 2;

    /// One admin cannot fill the context's 64.
    uint8 private constant OPEN_PER_ADMIN_MAX = 8;
    /// Bounds what an abandoned context leaves in storage.
    uint8 private constant OPEN_MAX = 64;
    /// A forgotten approval must not wait for years.
    uint256 private constant EXPIRY_MAX = 90 days;
    /// More admins there are none.
    uint256 private constant APPROVALS_MAX = 32;

    // ---------------------------------------------------------------- propose

    /// @notice The ballot that the caller's `actions` begin with, if it may propose them. Its `eta`
    /// is when they could be executed if its own approval were enough.
    function draft(Context storage c, Head memory h, bytes calldata actions, uint64 expiry)
        internal
        view
        returns (Ballot memory b)
    {
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        Admin storage a = c.admins[msg.sender];
        uint8 seat = a.seat;
        if (seat == 0) revert IRegistry.E12_NotAdmin();
        if (a.open >= OPEN_PER_ADMIN_MAX) revert IRegistry.E13_TooManyOpenByProposer();
        if (c.openProposals >= OPEN_MAX) revert IRegistry.E14_TooManyOpen();
        if (expiry <= block.timestamp || expiry > block.timestamp + EXPIRY_MAX) {
            revert IRegistry.E15_BadExpiry();
        }
        (b.class, b.setsGuardian) = Actions.survey(actions, h.admins);
        if (b.class >= Actions.CLASS_APP && c.isFrozen()) revert IRegistry.E11_Frozen();
        uint256 eta = block.timestamp + c.delayOf(b.class);
        // One that could not be executed before it expires is not worth its storage.
        if (eta > expiry) revert IRegistry.E15_BadExpiry();
        b.approvals = uint32(1) << (seat - 1);
        b.createdRev = h.rev;
        b.eta = uint40(eta);
        b.expiry = uint40(expiry);
        b.threshold = h.threshold;
    }

    /// @notice Keeps a draft as proposal `h.seq`, queued if the proposer's approval is enough.
    function open(
        Context storage c,
        bytes32 ctx,
        Head memory h,
        Ballot memory b,
        bytes calldata actions
    ) internal {
        bool met = b.threshold == 1;
        if (!met) b.eta = 0;
        c.admins[msg.sender].open += 1;
        c.openProposals += 1;
        c.proposals[h.seq] = OpenProposal(keccak256(actions), b, msg.sender);
        emit IRegistry.Proposed(ctx, h.seq, msg.sender, actions, b.expiry);
        if (met) emit IRegistry.Queued(ctx, h.seq, b.eta);
    }

    // ---------------------------------------------------------------- approve

    /// @notice Approves for the caller.
    function approve(Context storage c, bytes32 ctx, Head memory h, uint64 seq, bytes32 actionsHash)
        internal
    {
        Ballot memory b = _approvable(c, h, seq, actionsHash);
        _approved(c, ctx, h, seq, b, msg.sender, _approvingBit(c, b, msg.sender));
        c.proposals[seq].ballot = b;
    }

    /// @notice Approves for each signer of the Approve with this EIP-712 digest.
    /// @dev Contract accounts are asked by static calls, before anything is stored: nobody who is
    /// asked can change a thing anywhere, nor see this record half-way. So there is no lock.
    function approveBySigs(
        Context storage c,
        bytes32 ctx,
        Head memory h,
        uint64 seq,
        bytes32 actionsHash,
        uint256 deadline,
        IRegistry.SignedApproval[] calldata approvals
    ) internal {
        Ballot memory b = _approvable(c, h, seq, actionsHash);
        if (block.timestamp > deadline) revert IRegistry.E26_BadSignature();
        if (approvals.length == 0 || approvals.length > APPROVALS_MAX) {
            revert IRegistry.E26_BadSignature();
        }
        bytes32 digest = Signatures.approvalDigest(ctx, seq, actionsHash, deadline);
        address last;
        for (uint256 i = 0; i < approvals.length; i++) {
            address signer = approvals[i].signer;
            if (signer <= last) revert IRegistry.E26_BadSignature();
            last = signer;
            uint32 bit = _approvingBit(c, b, signer);
            // A signature that is still around must not bring back what its signer took back.
            bool withdrawn = b.withdrawn & bit != 0;
            if (withdrawn || !Signatures.hold(signer, digest, approvals[i].signature)) {
                revert IRegistry.E26_BadSignature();
            }
            _approved(c, ctx, h, seq, b, signer, bit);
        }
        c.proposals[seq].ballot = b;
    }

    /// @notice Takes the caller's approval back.
    function unapprove(Context storage c, bytes32 ctx, Head memory h, uint64 seq) internal {
        Ballot memory b = c.proposals[seq].ballot;
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        if (b.expiry == 0) revert IRegistry.E20_NotOpen();
        uint8 seat = c.admins[msg.sender].seat;
        if (seat == 0) revert IRegistry.E27_NotApproved();
        uint32 bit = uint32(1) << (seat - 1);
        // The bit of a seat that changed hands is not the new holder's to clear.
        if (b.approvals & bit == 0 || c.seatSince[seat - 1] > b.createdRev) {
            revert IRegistry.E27_NotApproved();
        }
        b.approvals &= ~bit;
        b.withdrawn |= bit;
        if (!_isMet(c, h, b)) b.eta = 0;
        c.proposals[seq].ballot = b;
        emit IRegistry.Unapproved(ctx, seq, msg.sender);
    }

    /// @notice Whether a proposal is queued, its delay over, and its approvals still enough.
    function isReady(Context storage c, Head memory h, uint64 seq) internal view returns (bool) {
        Ballot memory b = c.proposals[seq].ballot;
        return b.eta != 0 && b.eta <= block.timestamp && _isMet(c, h, b);
    }

    // ---------------------------------------------------------------- close

    /// @notice Withdraws a proposal: its proposer, or any admin once the proposer holds no seat.
    function cancel(Context storage c, bytes32 ctx, uint64 seq) internal {
        OpenProposal storage p = c.proposals[seq];
        if (p.ballot.expiry == 0) revert IRegistry.E20_NotOpen();
        address proposer = p.proposer;
        bool orphaned = c.admins[proposer].seat == 0 && c.admins[msg.sender].seat != 0;
        if (msg.sender != proposer && !orphaned) revert IRegistry.E30_NotProposer();
        _close(c, seq, proposer);
        emit IRegistry.Canceled(ctx, seq, msg.sender);
    }

    /// @notice Lets the guardian refuse a proposal, unless all admins want another guardian by it.
    function veto(Context storage c, bytes32 ctx, Head memory h, uint64 seq) internal {
        Ballot memory b = c.proposals[seq].ballot;
        if (b.expiry == 0) revert IRegistry.E20_NotOpen();
        bool exempt = b.setsGuardian && _counted(c, h, b) == h.admins;
        if (msg.sender != c.guardian || exempt) revert IRegistry.E31_NotGuardian();
        _close(c, seq, c.proposals[seq].proposer);
        emit IRegistry.Vetoed(ctx, seq, msg.sender);
    }

    /// @notice Carries a queued proposal out, and leaves head and log head stored.
    function execute(
        Context storage c,
        bytes32 ctx,
        Head memory h,
        uint64 seq,
        bytes calldata actions
    ) internal {
        OpenProposal storage p = c.proposals[seq];
        Ballot memory b = p.ballot;
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        if (b.eta == 0) revert IRegistry.E41_NotQueued();
        if (p.actionsHash != keccak256(actions)) revert IRegistry.E40_OtherActions();
        if (c.isFrozen()) revert IRegistry.E44_Frozen();
        if (block.timestamp < b.eta) revert IRegistry.E42_TooEarly();
        if (block.timestamp > b.expiry) revert IRegistry.E43_Expired();
        if (!_isMet(c, h, b)) revert IRegistry.E46_TooFewApprovals();
        _close(c, seq, p.proposer);
        Batches.execute(c, ctx, h, actions);
        emit IRegistry.Executed(ctx, seq, msg.sender);
    }

    /// @notice Frees a proposal that ran out.
    function expire(Context storage c, bytes32 ctx, uint64 seq) internal {
        OpenProposal storage p = c.proposals[seq];
        if (p.ballot.expiry == 0) revert IRegistry.E20_NotOpen();
        if (block.timestamp <= p.ballot.expiry) revert IRegistry.E48_NotExpired();
        _close(c, seq, p.proposer);
        emit IRegistry.Expired(ctx, seq);
    }

    // ---------------------------------------------------------------- view

    /// @notice An open proposal as callers see it; all zero if there is none.
    function show(Context storage c, uint64 seq)
        internal
        view
        returns (IRegistry.Proposal memory shown)
    {
        OpenProposal memory p = c.proposals[seq];
        Ballot memory b = p.ballot;
        if (b.expiry == 0) return shown;
        shown.actionsHash = p.actionsHash;
        shown.approvals = b.approvals;
        shown.withdrawn = b.withdrawn;
        shown.createdRev = b.createdRev;
        shown.eta = b.eta;
        shown.expiry = b.expiry;
        shown.threshold = b.threshold;
        shown.class = b.class;
        shown.status = b.eta == 0 ? OPEN : QUEUED;
        shown.setsGuardian = b.setsGuardian;
        shown.proposer = p.proposer;
    }

    // ---------------------------------------------------------------- parts

    function _approvable(Context storage c, Head memory h, uint64 seq, bytes32 actionsHash)
        private
        view
        returns (Ballot memory b)
    {
        OpenProposal storage p = c.proposals[seq];
        b = p.ballot;
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        if (b.expiry == 0) revert IRegistry.E20_NotOpen();
        if (block.timestamp > b.expiry) revert IRegistry.E21_Expired();
        if (p.actionsHash != actionsHash) revert IRegistry.E22_OtherActions();
    }

    /// @dev The bit that an approval by `account` sets.
    function _approvingBit(Context storage c, Ballot memory b, address account)
        private
        view
        returns (uint32 bit)
    {
        uint8 seat = c.admins[account].seat;
        if (seat == 0) revert IRegistry.E23_ApproverNotAdmin();
        if (c.seatSince[seat - 1] > b.createdRev) revert IRegistry.E24_SeatedLater();
        bit = uint32(1) << (seat - 1);
        if (b.approvals & bit != 0) revert IRegistry.E25_AlreadyApproved();
    }

    /// @dev Sets the bit in `b`, and queues `b` if that was enough.
    function _approved(
        Context storage c,
        bytes32 ctx,
        Head memory h,
        uint64 seq,
        Ballot memory b,
        address by,
        uint32 bit
    ) private {
        b.approvals |= bit;
        emit IRegistry.Approved(ctx, seq, by);
        if (b.eta != 0 || !_isMet(c, h, b)) return;
        uint256 eta = block.timestamp + c.delayOf(b.class);
        if (eta > b.expiry) revert IRegistry.E21_Expired();
        b.eta = uint40(eta);
        emit IRegistry.Queued(ctx, seq, uint64(eta));
    }

    /// @dev Only open proposals are stored; a number is never given twice.
    function _close(Context storage c, uint64 seq, address proposer) private {
        delete c.proposals[seq];
        c.openProposals -= 1;
        c.admins[proposer].open -= 1;
    }

    /// @dev Never less than what was asked when the proposal was made, nor than what is asked now.
    function _isMet(Context storage c, Head memory h, Ballot memory b) private view returns (bool) {
        uint256 needed = b.threshold > h.threshold ? b.threshold : h.threshold;
        return _counted(c, h, b) >= needed;
    }

    /// @dev Approvals of seats that were held without a break since the proposal was made.
    function _counted(Context storage c, Head memory h, Ballot memory b)
        private
        view
        returns (uint256 count)
    {
        uint256 seat;
        // At most 32 turns: one per seat.
        for (uint256 left = b.approvals & h.active; left != 0; left >>= 1) {
            if (left & 1 != 0 && c.seatSince[seat] <= b.createdRev) count++;
            seat++;
        }
    }
}
