// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CAIP2} from "@openzeppelin/contracts/utils/CAIP2.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Actions} from "./Actions.sol";
import {Head, HeadWord} from "./Head.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title Anchors of all contexts on this chain: CAM-1, version 1.
/// @notice Keeps who governs a context, its application and the root of its members; orders what
/// they decide. Has no owner, no pause, no upgrade, and calls nobody.
/// @dev Storage begins at `keccak256(keccak256("anchorhold.registry.1") - 1) & ~0xff` (ERC-7201).
/// The head of `ctx` lies at `keccak256(ctx ‖ base)`, its log head in the word after.
contract Registry layout at 0xeed09a722802ff493bb83c9e31a0e2b715bf15a9e7ae466dc04ecc9303c1a500
    is
    IRegistry
{
    using HeadWord for Head;
    using HeadWord for uint256;

    /// @dev Reserved fields belong to transitions that this contract does not have; they keep the
    /// layout of version 1 whole.
    struct Context {
        uint256 head;
        bytes32 logHead;
        bytes32 contextKeyHash;
        bytes32 appHash;
        bytes32 membersRoot;
        // One word: count of members, seconds of delay per class (lowest bits first), open proposals.
        uint32 membersCount;
        uint128 delays;
        uint8 open;
        bytes32 metaHash;
        bytes32 inviteRoot;
        // One word.
        address guardian;
        uint40 frozenUntil; // Reserved.
        uint40 lastFreeze; // Reserved.
        // The revision at which each seat was taken; 0 for the creator's first.
        uint64[64] seatSince;
        mapping(address account => Admin) admins;
        mapping(uint64 seq => Proposal) proposals;
        PendingDelay[4] pendingDelays; // Reserved.
        bytes32 attestersRoot; // Reserved.
        uint8 attestersNeeded; // Reserved.
        mapping(bytes32 nullifier => bool) nullifiers; // Reserved.
        mapping(bytes32 keyHash => uint64) explicitMembers; // Reserved.
    }

    /// @dev `seat` is the index + 1; 0 = no seat.
    struct Admin {
        uint8 seat;
        uint8 open;
        uint64 nominatedUntil;
    }

    struct PendingDelay {
        uint32 value;
        uint40 effective;
    }

    uint8 private constant ACTIVE = 1;
    uint8 private constant DISSOLVED = 2;

    uint8 private constant PROPOSAL_OPEN = 1;
    uint8 private constant PROPOSAL_QUEUED = 2;

    // Revision kinds that are no action: 0x80 + number of the transition.
    uint8 private constant KIND_CREATED = 0x80;
    uint8 private constant KIND_ADMIN_ACCEPTED = 0x88;
    uint8 private constant KIND_ADMIN_RENOUNCED = 0x89;

    /// The bitmap has 64 seats; more than 32 people do not govern one room.
    uint8 private constant SEATS_MAX = 32;
    /// One admin cannot fill the context's 64.
    uint8 private constant OPEN_PER_ADMIN_MAX = 8;
    /// Bounds what an abandoned context leaves in storage.
    uint8 private constant OPEN_MAX = 64;
    /// A forgotten approval must not wait for years.
    uint256 private constant EXPIRY_MAX = 90 days;
    uint256 private constant TTL_MAX = 90 days;
    /// Longer, and a mistake could not be undone in time.
    uint256 private constant DELAY_MAX = 30 days;
    uint256 private constant PROOF_MAX = 32;

    bytes32 private immutable _registryDomain;

    mapping(bytes32 ctx => Context) private _contexts;

    constructor() {
        bytes memory chain = bytes(CAIP2.local());
        _registryDomain = keccak256(
            abi.encodePacked("cam-1", uint8(chain.length), chain, uint8(20), address(this))
        );
    }

    // ---------------------------------------------------------------- transitions, in table order

    /// @inheritdoc IRegistry
    function create(bytes32 salt, Terms calldata terms) external returns (bytes32 ctx) {
        ctx = contextId(msg.sender, salt);
        Context storage c = _contexts[ctx];
        if (c.head != 0) revert E01_Exists();
        if (terms.threshold != 1) revert E03_BadTerms();
        c.contextKeyHash = terms.contextKeyHash;
        c.appHash = terms.appHash;
        c.membersRoot = terms.membersRoot;
        c.membersCount = terms.membersCount;
        c.delays = _packDelays(terms.delays);
        if (terms.guardian != address(0)) c.guardian = terms.guardian;
        c.admins[msg.sender].seat = 1;

        Head memory h;
        h.seatsEpoch = 1;
        h.threshold = 1;
        h.admins = 1;
        h.status = ACTIVE;
        h.active = 1;
        bytes memory payload = _createdPayload(salt, terms);
        c.logHead = _advance(ctx, h, domain(ctx), KIND_CREATED, payload);
        c.head = h.pack();
    }

    /// @inheritdoc IRegistry
    function propose(bytes32 ctx, bytes calldata actions, uint64 expiry)
        external
        returns (uint64 seq)
    {
        Context storage c = _contexts[ctx];
        Head memory h = c.head.unpack();
        uint8 class = _mayPropose(c, h, actions, expiry);
        seq = _announce(ctx, h, actions, expiry);
        _open(ctx, c, h, keccak256(actions), expiry, class);
        c.head = h.pack();
    }

    /// @inheritdoc IRegistry
    function act(bytes32 ctx, bytes calldata actions, uint64 expiry) external returns (uint64 seq) {
        Context storage c = _contexts[ctx];
        Head memory h = c.head.unpack();
        uint8 class = _mayPropose(c, h, actions, expiry);
        seq = _announce(ctx, h, actions, expiry);
        if (h.threshold == 1 && _delay(c, class) == 0) {
            emit Queued(ctx, seq, uint64(block.timestamp));
            _apply(ctx, c, h, actions);
            emit Executed(ctx, seq, msg.sender);
        } else {
            _open(ctx, c, h, keccak256(actions), expiry, class);
            c.head = h.pack();
        }
    }

    /// @inheritdoc IRegistry
    function approve(bytes32 ctx, uint64 seq, bytes32 actionsHash) external {
        Context storage c = _contexts[ctx];
        _approve(ctx, c, c.head.unpack(), seq, actionsHash);
    }

    /// @inheritdoc IRegistry
    function approveAndExecute(bytes32 ctx, uint64 seq, bytes calldata actions) external {
        Context storage c = _contexts[ctx];
        Head memory h = c.head.unpack();
        _approve(ctx, c, h, seq, keccak256(actions));
        Proposal storage p = c.proposals[seq];
        if (p.status == PROPOSAL_QUEUED && p.eta <= block.timestamp) {
            _execute(ctx, c, h, seq, actions);
        }
    }

    /// @inheritdoc IRegistry
    function unapprove(bytes32 ctx, uint64 seq) external {
        Context storage c = _contexts[ctx];
        Head memory h = c.head.unpack();
        Proposal storage p = c.proposals[seq];
        uint8 status = p.status;
        if (h.status != ACTIVE) revert E10_NotActive();
        if (status == 0) revert E20_NotOpen();
        uint8 seat = c.admins[msg.sender].seat;
        uint64 bit = seat == 0 ? 0 : uint64(1) << (seat - 1);
        // The bit of a seat that changed hands is not the new holder's to clear.
        if (p.approvals & bit == 0 || c.seatSince[seat - 1] > p.createdRev) {
            revert E27_NotApproved();
        }
        p.approvals &= ~bit;
        if (status == PROPOSAL_QUEUED && _approvals(c, h, p) < _needed(h, p)) {
            p.status = PROPOSAL_OPEN;
            p.eta = 0;
        }
        emit Unapproved(ctx, seq, msg.sender);
    }

    /// @inheritdoc IRegistry
    function cancel(bytes32 ctx, uint64 seq) external {
        Context storage c = _contexts[ctx];
        Proposal storage p = c.proposals[seq];
        if (p.status == 0) revert E20_NotOpen();
        address proposer = p.proposer;
        bool orphaned = c.admins[proposer].seat == 0 && c.admins[msg.sender].seat != 0;
        if (msg.sender != proposer && !orphaned) revert E30_NotProposer();
        _close(c, seq, proposer);
        emit Canceled(ctx, seq, msg.sender);
    }

    /// @inheritdoc IRegistry
    function execute(bytes32 ctx, uint64 seq, bytes calldata actions) external {
        Context storage c = _contexts[ctx];
        _execute(ctx, c, c.head.unpack(), seq, actions);
    }

    /// @inheritdoc IRegistry
    function expire(bytes32 ctx, uint64 seq) external {
        Context storage c = _contexts[ctx];
        Proposal storage p = c.proposals[seq];
        if (p.status == 0) revert E20_NotOpen();
        if (block.timestamp <= p.expiry) revert E48_NotExpired();
        _close(c, seq, p.proposer);
        emit Expired(ctx, seq);
    }

    /// @inheritdoc IRegistry
    function acceptAdmin(bytes32 ctx) external {
        Context storage c = _contexts[ctx];
        Head memory h = c.head.unpack();
        Admin storage a = c.admins[msg.sender];
        if (h.status != ACTIVE) revert E10_NotActive();
        if (a.seat != 0) revert E51_AlreadyAdmin();
        uint64 until = a.nominatedUntil;
        if (until == 0 || until < block.timestamp) revert E50_NotNominated();
        if (h.admins >= SEATS_MAX) revert E52_NoFreeSeat();
        uint8 seat = _lowestFree(h.active);
        a.seat = seat + 1;
        a.nominatedUntil = 0;
        h.active |= uint64(1) << seat;
        h.admins += 1;
        h.seatsEpoch += 1;
        bytes memory payload = abi.encodePacked(uint8(20), msg.sender);
        c.logHead = _advance(ctx, h, c.logHead, KIND_ADMIN_ACCEPTED, payload);
        c.seatSince[seat] = h.rev;
        c.head = h.pack();
    }

    /// @inheritdoc IRegistry
    function renounce(bytes32 ctx) external {
        Context storage c = _contexts[ctx];
        Head memory h = c.head.unpack();
        if (h.status != ACTIVE) revert E10_NotActive();
        if (c.admins[msg.sender].seat == 0) revert E12_NotAdmin();
        if (h.admins < 2) revert E53_LastAdmin();
        _vacate(c, h, msg.sender);
        if (h.threshold > h.admins) h.threshold = h.admins;
        bytes memory payload = abi.encodePacked(uint8(20), msg.sender);
        c.logHead = _advance(ctx, h, c.logHead, KIND_ADMIN_RENOUNCED, payload);
        c.head = h.pack();
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IRegistry
    function head(bytes32 ctx) external view returns (uint256 word, bytes32 logHead) {
        Context storage c = _contexts[ctx];
        return (c.head, c.logHead);
    }

    /// @inheritdoc IRegistry
    function record(bytes32 ctx) external view returns (Record memory r) {
        Context storage c = _contexts[ctx];
        r.contextKeyHash = c.contextKeyHash;
        r.appHash = c.appHash;
        r.membersRoot = c.membersRoot;
        r.metaHash = c.metaHash;
        r.inviteRoot = c.inviteRoot;
        r.membersCount = c.membersCount;
        for (uint8 class = 0; class < 4; class++) {
            r.delays[class] = uint32(_delay(c, class));
        }
        r.openProposals = c.open;
        r.guardian = c.guardian;
    }

    /// @inheritdoc IRegistry
    function admin(bytes32 ctx, address account)
        external
        view
        returns (bool seated, uint8 seat, uint64 since, uint64 nominatedUntil, uint8 open)
    {
        Context storage c = _contexts[ctx];
        Admin storage a = c.admins[account];
        seated = a.seat != 0;
        if (seated) {
            seat = a.seat - 1;
            since = c.seatSince[seat];
        }
        nominatedUntil = a.nominatedUntil;
        open = a.open;
    }

    /// @inheritdoc IRegistry
    function proposal(bytes32 ctx, uint64 seq) external view returns (Proposal memory) {
        return _contexts[ctx].proposals[seq];
    }

    /// @inheritdoc IRegistry
    function isMember(bytes32 ctx, bytes32 leaf, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = _contexts[ctx].membersRoot;
        return
            root != 0 && proof.length <= PROOF_MAX && MerkleProof.verifyCalldata(proof, root, leaf);
    }

    /// @inheritdoc IRegistry
    function registryDomain() external view returns (bytes32) {
        return _registryDomain;
    }

    /// @inheritdoc IRegistry
    function contextId(address creator, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encodePacked(_registryDomain, uint8(20), creator, salt));
    }

    /// @notice `keccak256(RD ‖ ctx)`: where the log of `ctx` begins.
    function domain(bytes32 ctx) public view returns (bytes32) {
        return keccak256(abi.encodePacked(_registryDomain, ctx));
    }

    // ---------------------------------------------------------------- proposals

    function _mayPropose(Context storage c, Head memory h, bytes calldata actions, uint64 expiry)
        private
        view
        returns (uint8 class)
    {
        if (h.status != ACTIVE) revert E10_NotActive();
        Admin storage a = c.admins[msg.sender];
        if (a.seat == 0) revert E12_NotAdmin();
        if (a.open >= OPEN_PER_ADMIN_MAX) revert E13_TooManyOpenByProposer();
        if (c.open >= OPEN_MAX) revert E14_TooManyOpen();
        if (expiry <= block.timestamp || expiry > block.timestamp + EXPIRY_MAX) {
            revert E15_BadExpiry();
        }
        class = Actions.classOf(actions, h.admins);
        // One that could not be executed before it expires is not worth its storage.
        if (block.timestamp + _delay(c, class) > expiry) revert E15_BadExpiry();
    }

    function _announce(bytes32 ctx, Head memory h, bytes calldata actions, uint64 expiry)
        private
        returns (uint64 seq)
    {
        seq = h.seq + 1;
        h.seq = seq;
        emit Proposed(ctx, seq, msg.sender, actions, expiry);
    }

    function _open(
        bytes32 ctx,
        Context storage c,
        Head memory h,
        bytes32 actionsHash,
        uint64 expiry,
        uint8 class
    ) private {
        Admin storage a = c.admins[msg.sender];
        a.open += 1;
        c.open += 1;
        bool met = h.threshold == 1;
        uint256 eta = met ? block.timestamp + _delay(c, class) : 0;
        c.proposals[h.seq] = Proposal({
            actionsHash: actionsHash,
            approvals: uint64(1) << (a.seat - 1),
            createdRev: h.rev,
            eta: uint40(eta),
            expiry: uint40(expiry),
            threshold: h.threshold,
            class: class,
            status: met ? PROPOSAL_QUEUED : PROPOSAL_OPEN,
            proposer: msg.sender
        });
        if (met) emit Queued(ctx, h.seq, uint64(eta));
    }

    function _approve(
        bytes32 ctx,
        Context storage c,
        Head memory h,
        uint64 seq,
        bytes32 actionsHash
    ) private {
        Proposal storage p = c.proposals[seq];
        if (h.status != ACTIVE) revert E10_NotActive();
        if (p.status == 0) revert E20_NotOpen();
        if (block.timestamp > p.expiry) revert E21_Expired();
        if (p.actionsHash != actionsHash) revert E22_OtherActions();
        uint8 seat = c.admins[msg.sender].seat;
        if (seat == 0) revert E23_ApproverNotAdmin();
        if (c.seatSince[seat - 1] > p.createdRev) revert E24_SeatedLater();
        uint64 bit = uint64(1) << (seat - 1);
        if (p.approvals & bit != 0) revert E25_AlreadyApproved();
        p.approvals |= bit;
        emit Approved(ctx, seq, msg.sender);
        if (p.eta == 0 && _approvals(c, h, p) >= _needed(h, p)) {
            uint256 eta = block.timestamp + _delay(c, p.class);
            if (eta > p.expiry) revert E21_Expired();
            p.eta = uint40(eta);
            p.status = PROPOSAL_QUEUED;
            emit Queued(ctx, seq, uint64(eta));
        }
    }

    function _execute(
        bytes32 ctx,
        Context storage c,
        Head memory h,
        uint64 seq,
        bytes calldata actions
    ) private {
        Proposal storage p = c.proposals[seq];
        if (h.status != ACTIVE) revert E10_NotActive();
        if (p.status != PROPOSAL_QUEUED) revert E41_NotQueued();
        if (p.actionsHash != keccak256(actions)) revert E40_OtherActions();
        if (block.timestamp < p.eta) revert E42_TooEarly();
        if (block.timestamp > p.expiry) revert E43_Expired();
        if (_approvals(c, h, p) < _needed(h, p)) revert E46_TooFewApprovals();
        _close(c, seq, p.proposer);
        _apply(ctx, c, h, actions);
        emit Executed(ctx, seq, msg.sender);
    }

    /// @dev Only open proposals are stored; a number is never given twice.
    function _close(Context storage c, uint64 seq, address proposer) private {
        delete c.proposals[seq];
        c.open -= 1;
        c.admins[proposer].open -= 1;
    }

    /// @dev Approvals of seats that were held without a break since the proposal was made.
    function _approvals(Context storage c, Head memory h, Proposal storage p)
        private
        view
        returns (uint256 count)
    {
        uint64 createdRev = p.createdRev;
        // At most 64 turns: one per seat.
        for (uint64 left = p.approvals & h.active; left != 0; left &= left - 1) {
            if (c.seatSince[_lowestFree(~left)] <= createdRev) count++;
        }
    }

    /// @dev Never less than what was asked when the proposal was made, nor than what is asked now.
    function _needed(Head memory h, Proposal storage p) private view returns (uint256) {
        return p.threshold > h.threshold ? p.threshold : h.threshold;
    }

    // ---------------------------------------------------------------- actions

    function _apply(bytes32 ctx, Context storage c, Head memory h, bytes calldata actions) private {
        bytes32 logHead = c.logHead;
        bool setsThreshold;
        uint256 offset;
        while (offset < actions.length) {
            (uint8 kind, bytes calldata payload, uint256 end) = Actions.next(actions, offset);
            offset = end;
            if (h.status != ACTIVE) revert E10_NotActive();
            if (kind == Actions.SET_THRESHOLD) setsThreshold = true;
            _applyOne(c, h, kind, payload);
            logHead = _advance(ctx, h, logHead, kind, payload);
        }
        if (h.threshold > h.admins) {
            if (setsThreshold) revert E55_BadThreshold();
            revert E54_RemovalRefused();
        }
        c.logHead = logHead;
        c.head = h.pack();
    }

    function _applyOne(Context storage c, Head memory h, uint8 kind, bytes calldata payload)
        private
    {
        if (kind == Actions.SET_MEMBERS_ROOT) _setMembersRoot(c, payload);
        else if (kind == Actions.NOMINATE_ADMIN) _nominate(c, payload);
        else if (kind == Actions.REMOVE_ADMIN) _removeAdmin(c, h, payload);
        else if (kind == Actions.SET_THRESHOLD) _setThreshold(h, payload);
        else if (kind == Actions.SET_APP) c.appHash = bytes32(payload[:32]);
        else if (kind == Actions.SET_INVITE_ROOT) _setInviteRoot(c, payload);
        else if (kind == Actions.SET_META) c.metaHash = bytes32(payload);
        else if (kind == Actions.DISSOLVE) h.status = DISSOLVED;
        else revert E17_Reserved(kind);
    }

    function _setMembersRoot(Context storage c, bytes calldata payload) private {
        bytes32 current = c.membersRoot;
        if (bytes32(payload[:32]) != current) revert E57_StaleRoot(current);
        c.membersRoot = bytes32(payload[32:64]);
        c.membersCount = uint32(bytes4(payload[64:68]));
    }

    function _setInviteRoot(Context storage c, bytes calldata payload) private {
        bytes32 current = c.inviteRoot;
        if (bytes32(payload[:32]) != current) revert E57_StaleRoot(current);
        c.inviteRoot = bytes32(payload[32:64]);
    }

    function _nominate(Context storage c, bytes calldata payload) private {
        uint256 ttl = uint32(bytes4(payload[21:25]));
        if (ttl == 0 || ttl > TTL_MAX) revert E59_BadTtl();
        Admin storage a = c.admins[Actions.account(payload)];
        if (a.seat != 0) revert E58_NomineeIsAdmin();
        a.nominatedUntil = uint64(block.timestamp + ttl);
    }

    function _removeAdmin(Context storage c, Head memory h, bytes calldata payload) private {
        address account = Actions.account(payload);
        if (c.admins[account].seat == 0 || h.admins < 2) revert E54_RemovalRefused();
        _vacate(c, h, account);
    }

    function _setThreshold(Head memory h, bytes calldata payload) private pure {
        uint8 threshold = uint8(payload[0]);
        if (threshold == 0) revert E55_BadThreshold();
        h.threshold = threshold;
    }

    // ---------------------------------------------------------------- seats, log

    function _vacate(Context storage c, Head memory h, address account) private {
        Admin storage a = c.admins[account];
        h.active &= ~(uint64(1) << (a.seat - 1));
        h.admins -= 1;
        h.seatsEpoch += 1;
        a.seat = 0;
    }

    /// @dev Index of the lowest zero bit. The callers' bitmaps have one.
    function _lowestFree(uint64 bitmap) private pure returns (uint8 index) {
        while (bitmap & 1 != 0) {
            bitmap >>= 1;
            index++;
        }
    }

    function _advance(
        bytes32 ctx,
        Head memory h,
        bytes32 previous,
        uint8 kind,
        bytes memory payload
    ) private returns (bytes32 logHead) {
        uint64 rev = h.rev + 1;
        h.rev = rev;
        logHead = keccak256(abi.encodePacked(previous, rev, kind, keccak256(payload)));
        emit Rev(ctx, rev, kind, payload, logHead);
    }

    function _delay(Context storage c, uint8 class) private view returns (uint256) {
        return uint32(c.delays >> (32 * uint256(class)));
    }

    function _packDelays(uint32[4] calldata delays) private pure returns (uint128 packed) {
        for (uint256 class = 0; class < 4; class++) {
            if (delays[class] > DELAY_MAX) revert E03_BadTerms();
            packed |= uint128(delays[class]) << uint128(32 * class);
        }
    }

    function _createdPayload(bytes32 salt, Terms calldata terms)
        private
        view
        returns (bytes memory)
    {
        bytes memory guardian = terms.guardian == address(0)
            ? abi.encodePacked(uint8(0))
            : abi.encodePacked(uint8(20), terms.guardian);
        uint32[4] calldata d = terms.delays;
        return abi.encodePacked(
            uint8(20),
            msg.sender,
            salt,
            terms.appHash,
            terms.membersRoot,
            terms.membersCount,
            terms.threshold,
            abi.encodePacked(d[0], d[1], d[2], d[3]),
            guardian,
            terms.contextKeyHash
        );
    }
}
