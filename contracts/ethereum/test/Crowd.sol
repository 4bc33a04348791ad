// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Shadow} from "./Shadow.sol";
import {vm} from "./Vm.sol";

/// @notice Six people with keys who do to one context whatever comes to their minds.
/// @dev Each call that succeeds is told to the shadow; one that fails must have changed nothing.
contract Crowd is Shadow {
    uint256 private constant PEOPLE = 6;
    uint256 private constant INVITE = 0x1471E;
    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant APPROVE_TYPE =
        keccak256("Approve(bytes32 context,uint64 seq,bytes32 actionsHash,uint256 deadline)");

    bytes32[] private none;
    mapping(uint64 seq => bytes) private actionsOf;
    /// How often something came of it, by what was asked: a run in which nothing happens shows
    /// nothing.
    mapping(string what => uint256) public done;

    constructor(IRegistry registry_) Shadow(registry_) {
        IRegistry.Terms memory terms;
        terms.flags = 1;
        terms.membersCount = 1;
        terms.delays = [uint32(0), 1 minutes, 2 minutes, 3 minutes];
        terms.guardian = person(5);
        bytes memory data = abi.encodeCall(IRegistry.create, (0, terms));
        begin(registry_.contextId(person(0), 0), terms.delays);
        attempt("create", person(0), data);
        propose(0, 3, 0, 1, 1, true);
        acceptAdmin(1);
    }

    // ---------------------------------------------------------------- acts

    function propose(
        uint256 who,
        uint256 kind,
        uint256 other,
        uint256 value,
        uint256 hours_,
        bool now_
    ) public {
        bytes memory actions = batch(kind, other, value);
        uint64 expiry = uint64(block.timestamp + 1 + (hours_ % 100) * 1 hours);
        bytes memory data = now_
            ? abi.encodeCall(IRegistry.act, (ctx, actions, expiry))
            : abi.encodeCall(IRegistry.propose, (ctx, actions, expiry));
        if (attempt(now_ ? "act" : "propose", person(who), data)) actionsOf[lastSeq] = actions;
    }

    function approve(uint256 who, uint256 which, bool wrong) public {
        uint64 seq = pick(which);
        bytes32 hash = wrong ? bytes32(which) : keccak256(actionsOf[seq]);
        attempt("approve", person(who), abi.encodeCall(IRegistry.approve, (ctx, seq, hash)));
    }

    function approveAndExecute(uint256 who, uint256 which) public {
        uint64 seq = pick(which);
        bytes memory data = abi.encodeCall(IRegistry.approveAndExecute, (ctx, seq, actionsOf[seq]));
        attempt("approveAndExecute", person(who), data);
    }

    function approveBySigs(uint256 a, uint256 b, uint256 which, uint256 deadline) public {
        uint64 seq = pick(which);
        bytes32 hash = keccak256(actionsOf[seq]);
        deadline = block.timestamp + deadline % 10;
        IRegistry.SignedApproval memory first = approval(a, seq, hash, deadline);
        IRegistry.SignedApproval memory second = approval(b, seq, hash, deadline);
        if (first.signer > second.signer) (first, second) = (second, first);
        bool same = first.signer == second.signer;
        IRegistry.SignedApproval[] memory list = new IRegistry.SignedApproval[](same ? 1 : 2);
        list[0] = first;
        if (!same) list[1] = second;
        bytes memory data =
            abi.encodeCall(IRegistry.approveBySigs, (ctx, seq, hash, deadline, list));
        attempt("approveBySigs", address(this), data);
    }

    function unapprove(uint256 who, uint256 which) public {
        bytes memory data = abi.encodeCall(IRegistry.unapprove, (ctx, pick(which)));
        attempt("unapprove", person(who), data);
    }

    function cancel(uint256 who, uint256 which) public {
        attempt("cancel", person(who), abi.encodeCall(IRegistry.cancel, (ctx, pick(which))));
    }

    function veto(uint256 who, uint256 which) public {
        attempt("veto", watcher(who), abi.encodeCall(IRegistry.veto, (ctx, pick(which))));
    }

    function execute(uint256 who, uint256 which) public {
        uint64 seq = pick(which);
        bytes memory data = abi.encodeCall(IRegistry.execute, (ctx, seq, actionsOf[seq]));
        attempt("execute", person(who), data);
    }

    function expire(uint256 who, uint256 which) public {
        attempt("expire", person(who), abi.encodeCall(IRegistry.expire, (ctx, pick(which))));
    }

    function acceptAdmin(uint256 who) public {
        attempt("acceptAdmin", person(who), abi.encodeCall(IRegistry.acceptAdmin, (ctx)));
    }

    function renounce(uint256 who, uint256 luck) public {
        if (luck % 4 != 0) return; // Or nobody is left to do anything.
        attempt("renounce", person(who), abi.encodeCall(IRegistry.renounce, (ctx)));
    }

    function freeze(uint256 who, uint32 secs) public {
        bytes memory data = abi.encodeCall(IRegistry.freeze, (ctx, secs % 2 hours));
        attempt("freeze", watcher(who), data);
    }

    function claim(uint256 who, uint32 use) public {
        IRegistry.Invite memory invite = invitation();
        use = use % 6;
        bytes memory key = abi.encode(who);
        address by = person(who);
        bytes memory said = abi.encodePacked("cam1-claim", registry.domain(ctx), uint8(20), by);
        bytes memory sig = sign(INVITE, keccak256(abi.encodePacked(said, uint8(32), key)));
        attempt(
            "claim", by, abi.encodeCall(IRegistry.claimInvite, (ctx, key, invite, use, none, sig))
        );
    }

    function wait(uint256 secs) public {
        vm.warp(block.timestamp + secs % 10 minutes);
    }

    function waitLong(uint256 secs) public {
        if (secs % 8 == 0) vm.warp(block.timestamp + secs % 20 days);
    }

    // ---------------------------------------------------------------- parts

    function attempt(string memory what, address by, bytes memory data) private returns (bool ok) {
        bytes32 before = stateHash();
        vm.recordLogs();
        vm.prank(by);
        (ok,) = address(registry).call(data);
        if (ok) {
            done[what]++;
            follow(by, bytes4(data), vm.getRecordedLogs());
        } else {
            require(stateHash() == before, "a refused call changed something");
        }
    }

    function batch(uint256 kind, uint256 other, uint256 value)
        private
        view
        returns (bytes memory one)
    {
        one = action(kind, other, value);
        if (value % 3 == 0) one = bytes.concat(one, action(kind / 16, other / 6, value / 3));
    }

    function action(uint256 kind, uint256 other, uint256 value)
        private
        view
        returns (bytes memory)
    {
        address who = person(other);
        IRegistry.Record memory r = registry.record(ctx);
        bool stale = value % 16 == 1;
        bytes32 new_ = bytes32(value);
        kind = kind % 14;
        if (kind == 0) return tlv(0x10, abi.encodePacked(new_));
        if (kind == 1) {
            bytes32 root = stale ? new_ : r.membersRoot;
            return tlv(0x05, abi.encodePacked(root, new_, uint32(value), new_));
        }
        if (kind == 2) {
            bytes32 root = stale ? new_ : r.inviteRoot;
            return tlv(0x09, abi.encodePacked(root, leafOf(invitation())));
        }
        if (kind < 7) {
            return tlv(0x01, abi.encodePacked(uint8(20), person(other / 2), uint32(90 days)));
        }
        if (kind == 7) return tlv(0x02, abi.encodePacked(uint8(20), who));
        if (kind < 10) return tlv(0x03, abi.encodePacked(uint8(value % 4)));
        if (kind == 10) {
            return tlv(0x04, abi.encodePacked(uint8(value % 4), uint32(value % 5 minutes)));
        }
        if (kind == 11) return tlv(0x08, abi.encodePacked(new_, new_));
        if (kind == 12) return tlv(0x0B, abi.encodePacked(uint8(20), who));
        return value % 64 == 7 ? tlv(0x0F, "") : tlv(0x0A, abi.encodePacked(new_, uint32(value)));
    }

    function tlv(uint8 kind, bytes memory payload) private pure returns (bytes memory) {
        return abi.encodePacked(kind, uint16(payload.length), payload);
    }

    function person(uint256 who) private pure returns (address) {
        return vm.addr(secretOf(who));
    }

    /// @dev The guardian, mostly.
    function watcher(uint256 who) private view returns (address) {
        return who % 4 == 0 ? person(who) : registry.record(ctx).guardian;
    }

    function secretOf(uint256 who) private pure returns (uint256) {
        return 0xC40D0 + who % PEOPLE;
    }

    /// @dev One of the newest eight.
    function pick(uint256 which) private view returns (uint64) {
        uint64 back = uint64(which % 8);
        return lastSeq > back ? lastSeq - back : lastSeq;
    }

    function invitation() private pure returns (IRegistry.Invite memory) {
        return IRegistry.Invite(vm.addr(INVITE), type(uint64).max, 1, 5);
    }

    function leafOf(IRegistry.Invite memory i) private pure returns (bytes32) {
        bytes32 once = keccak256(abi.encodePacked(i.key, i.expiry, i.role, i.uses));
        return keccak256(bytes.concat(once));
    }

    function approval(uint256 who, uint64 seq, bytes32 hash, uint256 deadline)
        private
        view
        returns (IRegistry.SignedApproval memory)
    {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPE,
                keccak256("Anchorhold"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 said = keccak256(abi.encode(APPROVE_TYPE, ctx, seq, hash, deadline));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, said));
        return IRegistry.SignedApproval(person(who), sign(secretOf(who), digest));
    }

    function sign(uint256 secret, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }
}
