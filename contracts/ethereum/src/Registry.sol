// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CAIP2} from "@openzeppelin/contracts/utils/CAIP2.sol";

import {Batches} from "./Batches.sol";
import {ACTIVE, Admin, Ballot, Context, Contexts} from "./Context.sol";
import {Evidence} from "./Evidence.sol";
import {Head, HeadWord} from "./Head.sol";
import {IRegistry} from "./IRegistry.sol";
import {Proposals} from "./Proposals.sol";

/// @title Anchors of all contexts on this chain: CAM-1, version 1.
/// @notice Keeps who governs a context, its application and the root of its members; orders what
/// they decide. Has no owner, no pause, no upgrade. Calls nobody but, statically, the contract
/// accounts that are said to have signed an approval.
/// @dev Storage begins at `keccak256(keccak256("anchorhold.registry.1") - 1) & ~0xff` (ERC-7201).
/// The head of `ctx` lies at `keccak256(ctx ‖ base)`, its log head in the word after.
contract Registry layout at 0xeed09a722802ff493bb83c9e31a0e2b715bf15a9e7ae466dc04ecc9303c1a500
    is
    IRegistry
{
    using Contexts for Context;
    using HeadWord for Head;
    using HeadWord for uint256;
    using Proposals for Context;

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
        if (terms.flags & ~Evidence.FLAG_CLAIMS != 0) revert E03_BadTerms();
        c.contextKeyHash = terms.contextKeyHash;
        c.appHash = terms.appHash;
        c.membersRoot = terms.membersRoot;
        c.membersCount = terms.membersCount;
        c.delays = Contexts.packDelays(terms.delays);
        if (terms.guardian != address(0)) c.guardian = terms.guardian;
        c.admins[msg.sender].seat = 1;

        Head memory h;
        h.seatsEpoch = 1;
        h.threshold = 1;
        h.admins = 1;
        h.status = ACTIVE;
        h.flags = terms.flags;
        h.active = 1;
        bytes memory payload = _createdPayload(salt, terms);
        c.logHead = Contexts.advance(ctx, h, domain(ctx), Contexts.CREATED, payload);
        c.head = h.pack();
    }

    /// @inheritdoc IRegistry
    function propose(bytes32 ctx, bytes calldata actions, uint64 expiry)
        external
        returns (uint64 seq)
    {
        (Context storage c, Head memory h) = _load(ctx);
        Ballot memory b = c.draft(h, actions, expiry);
        seq = h.seq + 1;
        h.seq = seq;
        c.head = h.pack();
        c.open(ctx, h, b, actions);
    }

    /// @inheritdoc IRegistry
    function act(bytes32 ctx, bytes calldata actions, uint64 expiry) external returns (uint64 seq) {
        (Context storage c, Head memory h) = _load(ctx);
        Ballot memory b = c.draft(h, actions, expiry);
        seq = h.seq + 1;
        h.seq = seq;
        if (h.threshold == 1 && b.eta <= block.timestamp) {
            if (c.isFrozen()) revert E44_Frozen();
            emit Proposed(ctx, seq, msg.sender, actions, expiry);
            emit Queued(ctx, seq, b.eta);
            Batches.execute(c, ctx, h, actions);
            emit Executed(ctx, seq, msg.sender);
        } else {
            c.head = h.pack();
            c.open(ctx, h, b, actions);
        }
    }

    /// @inheritdoc IRegistry
    function approve(bytes32 ctx, uint64 seq, bytes32 actionsHash) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.approve(ctx, h, seq, actionsHash);
    }

    /// @inheritdoc IRegistry
    function approveBySigs(
        bytes32 ctx,
        uint64 seq,
        bytes32 actionsHash,
        uint256 deadline,
        SignedApproval[] calldata approvals
    ) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.approveBySigs(ctx, h, seq, actionsHash, deadline, approvals);
    }

    /// @inheritdoc IRegistry
    function approveAndExecute(bytes32 ctx, uint64 seq, bytes calldata actions) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.approve(ctx, h, seq, keccak256(actions));
        if (c.isReady(h, seq)) c.execute(ctx, h, seq, actions);
    }

    /// @inheritdoc IRegistry
    function unapprove(bytes32 ctx, uint64 seq) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.unapprove(ctx, h, seq);
    }

    /// @inheritdoc IRegistry
    function cancel(bytes32 ctx, uint64 seq) external {
        _contexts[ctx].cancel(ctx, seq);
    }

    /// @inheritdoc IRegistry
    function veto(bytes32 ctx, uint64 seq) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.veto(ctx, h, seq);
    }

    /// @inheritdoc IRegistry
    function execute(bytes32 ctx, uint64 seq, bytes calldata actions) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.execute(ctx, h, seq, actions);
    }

    /// @inheritdoc IRegistry
    function expire(bytes32 ctx, uint64 seq) external {
        _contexts[ctx].expire(ctx, seq);
    }

    /// @inheritdoc IRegistry
    function acceptAdmin(bytes32 ctx) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.accept(ctx, h);
        c.head = h.pack();
    }

    /// @inheritdoc IRegistry
    function renounce(bytes32 ctx) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.renounce(ctx, h);
        c.head = h.pack();
    }

    /// @inheritdoc IRegistry
    function bind(
        bytes32 ctx,
        uint8 scheme,
        bytes calldata key,
        bytes calldata signature,
        uint64 expiry
    ) external {
        (, Head memory h) = _load(ctx);
        Evidence.bind(ctx, h, domain(ctx), scheme, key, signature, expiry);
    }

    /// @inheritdoc IRegistry
    function unbind(bytes32 ctx, bytes calldata key) external {
        (, Head memory h) = _load(ctx);
        Evidence.unbind(ctx, h, key);
    }

    /// @inheritdoc IRegistry
    function claimInvite(
        bytes32 ctx,
        bytes calldata key,
        Invite calldata invite,
        uint32 use,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external {
        (Context storage c, Head memory h) = _load(ctx);
        Evidence.claim(c, ctx, h, domain(ctx), key, invite, use, proof, signature);
    }

    /// @inheritdoc IRegistry
    function freeze(bytes32 ctx, uint32 secs) external {
        (Context storage c, Head memory h) = _load(ctx);
        c.freeze(ctx, h, secs);
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
            r.delays[class] = uint32(c.delayOf(class));
        }
        r.openProposals = c.openProposals;
        r.guardian = c.guardian;
        r.frozenUntil = c.frozenUntil;
        r.lastFreeze = c.lastFreeze;
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
        return _contexts[ctx].show(seq);
    }

    /// @inheritdoc IRegistry
    function isMember(bytes32 ctx, bytes32 leaf, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return Evidence.isUnder(_contexts[ctx].membersRoot, leaf, proof);
    }

    /// @inheritdoc IRegistry
    function registryDomain() external view returns (bytes32) {
        return _registryDomain;
    }

    /// @inheritdoc IRegistry
    function contextId(address creator, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encodePacked(_registryDomain, uint8(20), creator, salt));
    }

    /// @inheritdoc IRegistry
    function domain(bytes32 ctx) public view returns (bytes32) {
        return keccak256(abi.encodePacked(_registryDomain, ctx));
    }

    // ---------------------------------------------------------------- parts

    function _load(bytes32 ctx) private view returns (Context storage c, Head memory h) {
        c = _contexts[ctx];
        h = c.head.unpack();
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
            terms.flags,
            d[0],
            d[1],
            d[2],
            d[3],
            guardian,
            terms.contextKeyHash
        );
    }
}
