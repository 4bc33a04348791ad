// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Signing} from "./Signing.sol";
import {Vm, vm} from "./Vm.sol";
import {Wallet} from "./Wallets.sol";

/// @notice Approvals that somebody else hands in.
contract SignaturesTest is Signing {
    bytes internal actions;
    uint64 internal seq;
    bytes32 internal digest;

    function setUp() public override {
        super.setUp();
        threeOfFour();
        actions = membersRoot(ROOT, DELTA);
        seq = propose(ALICE, actions);
        digest = digestOf(seq, actions, inOneDay());
    }

    // ---------------------------------------------------------------- what holds

    function test_anybodyHandsInWhatAdminsSigned() public {
        vm.recordLogs();
        vm.prank(STRANGER);
        hand(seq, actions, approvals(two(ERIN, FRANK), digest));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 3);
        vm.assertEq(logs[0].topics[0], IRegistry.Approved.selector);
        vm.assertEq(logs[1].topics[0], IRegistry.Approved.selector);
        vm.assertEq(logs[2].topics[0], IRegistry.Queued.selector);
        vm.assertEq(registry.proposal(ctx, seq).status, 2);
        registry.execute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).membersRoot, DELTA);
    }

    function test_theDeadlineIsTheLastSecond() public {
        uint64 last = uint64(block.timestamp + 1 hours);
        bytes32 short = digestOf(seq, actions, last);
        vm.warp(last);
        registry.approveBySigs(ctx, seq, keccak256(actions), last, only(approval(ERIN, short)));
        vm.warp(last + 1);
        bytes32 hash = keccak256(actions);
        vm.expectRevert(IRegistry.E26_BadSignature.selector);
        registry.approveBySigs(ctx, seq, hash, last, only(approval(FRANK, short)));
    }

    function test_E26_theListHasOneToThirtyTwoSigners() public {
        refused(new IRegistry.SignedApproval[](0));
        refused(new IRegistry.SignedApproval[](33));
    }

    function test_E26_signersAscend() public {
        IRegistry.SignedApproval[] memory list = approvals(two(ERIN, FRANK), digest);
        (list[0], list[1]) = (list[1], list[0]);
        refused(list);
        list[1] = list[0];
        refused(list);
        list[0].signer = address(0);
        refused(list);
    }

    // ---------------------------------------------------------------- what does not

    function test_E26_aSignatureIsForOneProposalContextChainAndRegistry() public {
        uint64 other = propose(ALICE, actions);
        refused(only(approval(ERIN, digestOf(other, actions, inOneDay()))));
        refused(only(approval(ERIN, digestOf(seq, meta(DELTA), inOneDay()))));
        refused(only(approval(ERIN, digestOf(seq, actions, inOneDay() + 1))));
        bytes32 own = ctx;
        ctx = keccak256("other");
        bytes32 foreign = digestOf(seq, actions, inOneDay());
        ctx = own;
        refused(only(approval(ERIN, foreign)));
        vm.chainId(1);
        foreign = digestOf(seq, actions, inOneDay());
        vm.chainId(31337);
        refused(only(approval(ERIN, foreign)));
        IRegistry here = registry;
        registry = deploy();
        foreign = digestOf(seq, actions, inOneDay());
        registry = here;
        refused(only(approval(ERIN, foreign)));
        // What member keys and wallets' plain messages sign is no approval either.
        refused(only(approval(ERIN, keccak256(abi.encodePacked(digest)))));
    }

    function test_E26_onlyTheOneFormOfASignatureIsTaken() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(ERIN, digest);
        bytes32 high = bytes32(N - uint256(s));
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        refusedBytes(abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)));
        refusedBytes(abi.encodePacked(r, s, v - 27));
        refusedBytes(abi.encodePacked(r, s, v + 8));
        refusedBytes(abi.encodePacked(r, vs));
        refusedBytes(abi.encodePacked(r, s, v, uint8(0)));
        refusedBytes(abi.encodePacked(r, s));
        refusedBytes(abi.encodePacked(bytes32(0), s, v));
        refusedBytes(abi.encodePacked(r, bytes32(0), v));
        refusedBytes("");
        refusedBytes(signature(FRANK, digest));
    }

    function test_E26_whoTookAnApprovalBackGivesItAgainOnlyItself() public {
        hand(seq, actions, only(approval(ERIN, digest)));
        vm.prank(vm.addr(ERIN));
        registry.unapprove(ctx, seq);
        refused(only(approval(ERIN, digest)));
        approve(vm.addr(ERIN), seq, actions);
        hand(seq, actions, only(approval(FRANK, digest)));
        vm.assertEq(registry.proposal(ctx, seq).status, 2);
        vm.prank(vm.addr(ERIN));
        registry.unapprove(ctx, seq);
        refused(only(approval(ERIN, digest)));
    }

    function test_E23_E24_E25_signersAreLookedAtLikeCallers() public {
        IRegistry.SignedApproval[] memory list = only(approval(0x5742, digest));
        vm.expectRevert(IRegistry.E23_ApproverNotAdmin.selector);
        hand(seq, actions, list);
        hand(seq, actions, only(approval(ERIN, digest)));
        list = only(approval(ERIN, digest));
        vm.expectRevert(IRegistry.E25_AlreadyApproved.selector);
        hand(seq, actions, list);
        vm.prank(vm.addr(FRANK));
        registry.renounce(ctx);
        bytes memory again = nominate(vm.addr(FRANK), 1 hours);
        uint64 other = propose(ALICE, again);
        digest = digestOf(other, again, inOneDay());
        hand(other, again, approvals(two(ERIN, GRACE), digest));
        registry.execute(ctx, other, again);
        vm.prank(vm.addr(FRANK));
        registry.acceptAdmin(ctx);
        list = only(approval(FRANK, digestOf(seq, actions, inOneDay())));
        vm.expectRevert(IRegistry.E24_SeatedLater.selector);
        hand(seq, actions, list);
    }

    function test_E21_theLastSignatureLeavesRoomForTheDelay() public {
        ctx = create(ALICE, keccak256("slow"), [uint32(1 days), 0, 0, 0]);
        vm.prank(ALICE);
        seq = registry.propose(ctx, nominate(vm.addr(ERIN), 30 days), inOneDay() + 1);
        vm.warp(block.timestamp + 1 days);
        registry.execute(ctx, seq, nominate(vm.addr(ERIN), 30 days));
        vm.prank(vm.addr(ERIN));
        registry.acceptAdmin(ctx);
        act(ALICE, threshold(2));
        seq = propose(ALICE, actions);
        vm.warp(block.timestamp + 1);
        IRegistry.SignedApproval[] memory list =
            only(approval(ERIN, digestOf(seq, actions, inOneDay())));
        vm.expectRevert(IRegistry.E21_Expired.selector);
        hand(seq, actions, list);
    }

    function test_E10_E20_E22_precedeTheSignatures() public {
        bytes memory other = meta(DELTA);
        vm.expectRevert(IRegistry.E22_OtherActions.selector);
        hand(seq, other, new IRegistry.SignedApproval[](0));
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        hand(9, actions, new IRegistry.SignedApproval[](0));
        ctx = keccak256("unknown");
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        hand(seq, actions, new IRegistry.SignedApproval[](0));
    }

    // ---------------------------------------------------------------- delegated accounts

    function test_aDelegatedAccountStillSignsWithItsKey() public {
        Wallet wallet = new Wallet();
        vm.signAndAttachDelegation(address(wallet), ERIN);
        address erin = vm.addr(ERIN);
        Wallet(erin).says(Wallet.Answer.No);
        vm.assertEq(bytes32(erin.code), bytes32(abi.encodePacked(hex"ef0100", address(wallet))));
        hand(seq, actions, only(approval(ERIN, digest)));
        vm.assertEq(registry.proposal(ctx, seq).approvals, 3);
    }

    function test_aDelegatedAccountMayAlsoSignAsItsCodeSays() public {
        Wallet wallet = new Wallet();
        address erin = vm.addr(ERIN);
        vm.etch(erin, abi.encodePacked(hex"ef0100", address(wallet)));
        Wallet(erin).says(Wallet.Answer.No);
        refusedBytes("a passkey's");
        Wallet(erin).says(Wallet.Answer.Yes);
        hand(seq, actions, only(IRegistry.SignedApproval(erin, "a passkey's")));
        vm.assertEq(registry.proposal(ctx, seq).approvals, 3);
    }

    function test_aContractAccountDoesNotSignWithAKey() public {
        Wallet wallet = new Wallet();
        vm.etch(vm.addr(ERIN), address(wallet).code);
        Wallet(vm.addr(ERIN)).says(Wallet.Answer.No);
        refused(only(approval(ERIN, digest)));
        // Nor does code that only looks like a delegation.
        vm.etch(vm.addr(ERIN), abi.encodePacked(hex"00ef0100", bytes19(0)));
        refused(only(approval(ERIN, digest)));
    }

    // ---------------------------------------------------------------- parts

    function refusedBytes(bytes memory bad) private {
        refused(only(IRegistry.SignedApproval(vm.addr(ERIN), bad)));
    }

    function refused(IRegistry.SignedApproval[] memory list) private {
        bytes32 hash = keccak256(actions);
        uint64 deadline = inOneDay();
        vm.expectRevert(IRegistry.E26_BadSignature.selector);
        registry.approveBySigs(ctx, seq, hash, deadline, list);
    }
}
