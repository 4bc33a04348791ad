// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Signing} from "./Signing.sol";
import {vm} from "./Vm.sol";

/// @notice What went wrong in contracts of this kind, and does not here.
/// @dev Those that other files show: signatures on another chain, registry, context or proposal,
/// high `s`, compact and re-used ones (`Signatures`), odd answers of contract accounts and re-entry
/// (`Hostile`), free storage and stolen invitations (`Evidence`), stale approvals, raised and
/// lowered thresholds (`Registry`), malformed and trailing bytes (`Errors`).
contract LessonsTest is Signing {
    // ---------------------------------------------------------------- who acts

    function test_oneCallerIsOneApprovalWhateverItSays() public {
        threeOfFour();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E25_AlreadyApproved.selector);
        approve(ALICE, seq, meta(DELTA));
        vm.expectRevert(IRegistry.E23_ApproverNotAdmin.selector);
        approve(STRANGER, seq, meta(DELTA));
        // A name with another's signature is not that other.
        bytes32 digest = digestOf(seq, meta(DELTA), inOneDay());
        IRegistry.SignedApproval memory own = approval(ERIN, digest);
        own.signer = vm.addr(FRANK);
        IRegistry.SignedApproval[] memory list = only(own);
        vm.expectRevert(IRegistry.E26_BadSignature.selector);
        hand(seq, meta(DELTA), list);
    }

    function test_nobodySeatsAnotherAccount() public {
        act(ALICE, nominate(BOB, 1 hours));
        (bool seated,,,,) = registry.admin(ctx, BOB);
        vm.assertFalse(seated);
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        act(BOB, meta(DELTA));
        vm.expectRevert(IRegistry.E50_NotNominated.selector);
        vm.prank(CAROL);
        registry.acceptAdmin(ctx);
    }

    function test_nobodyTakesAnothersNameAndNamingAContextTakesNothing() public {
        IRegistry.Terms memory t = terms(noDelays());
        vm.prank(BOB);
        bytes32 squatted = registry.create(SALT, t);
        vm.assertTrue(squatted != ctx);
        vm.assertEq(registry.record(squatted).contextKeyHash, registry.record(ctx).contextKeyHash);
        vm.assertEq(registry.contextId(ALICE, SALT), ctx);
        (bool seated,,,,) = registry.admin(ctx, BOB);
        vm.assertFalse(seated);
    }

    function test_theRegistryHasNoOwnerAndNothingToInitialise() public {
        string[8] memory names = [
            "owner()",
            "initialize()",
            "pause()",
            "upgradeTo(address)",
            "transferOwnership(address)",
            "execute(address,uint256,bytes)",
            "multicall(bytes[])",
            "implementation()"
        ];
        for (uint256 i = 0; i < names.length; i++) {
            (bool ok,) = address(registry).call(abi.encodeWithSignature(names[i]));
            vm.assertFalse(ok);
        }
        (bool paid,) = address(registry).call{value: 1}("");
        vm.assertFalse(paid);
    }

    function test_theCodeCallsNobodyButToAsk() public view {
        bytes memory code = address(registry).code;
        vm.assertTrue(code.length <= 24576);
        uint256 asks;
        for (uint256 i = 0; i < code.length; i++) {
            uint8 op = uint8(code[i]);
            // CREATE, CALL, CALLCODE, DELEGATECALL, CREATE2, SELFDESTRUCT.
            bool forbidden = (op >= 0xF0 && op <= 0xF2) || op == 0xF4 || op == 0xF5 || op == 0xFF;
            vm.assertFalse(forbidden);
            if (op == 0xFA) asks++;
            if (op >= 0x60 && op <= 0x7F) i += op - 0x5F;
        }
        vm.assertTrue(asks != 0);
    }

    // ---------------------------------------------------------------- replay

    function test_anExecutedNumberIsGoneWithItsSignatures() public {
        threeOfFour();
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        bytes32 digest = digestOf(seq, actions, inOneDay());
        IRegistry.SignedApproval[] memory list = approvals(two(ERIN, FRANK), digest);
        hand(seq, actions, list);
        registry.execute(ctx, seq, actions);
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        hand(seq, actions, list);
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, seq, actions);
        // The same actions anew are another proposal, for which nobody signed.
        uint64 again = propose(ALICE, actions);
        vm.assertEq(again, seq + 1);
        vm.expectRevert(IRegistry.E26_BadSignature.selector);
        hand(again, actions, list);
    }

    function test_aCanceledNumberIsNotGivenToOtherActions() public {
        threeOfFour();
        uint64 seq = propose(ALICE, meta(DELTA));
        IRegistry.SignedApproval[] memory list =
            approvals(two(ERIN, FRANK), digestOf(seq, meta(DELTA), inOneDay()));
        vm.prank(ALICE);
        registry.cancel(ctx, seq);
        vm.assertEq(propose(ALICE, meta(ROOT)), seq + 1);
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        hand(seq, meta(DELTA), list);
    }

    function test_whoIsRemovedAndComesBackBeginsAnew() public {
        threeOfFour();
        address erin = vm.addr(ERIN);
        bytes memory actions = meta(DELTA);
        uint64 seq = propose(ALICE, actions);
        bytes32 digest = digestOf(seq, actions, inOneDay());
        bytes memory out = remove(erin);
        uint64 other = propose(ALICE, out);
        approve(vm.addr(FRANK), other, out);
        approve(vm.addr(GRACE), other, out);
        registry.execute(ctx, other, out);
        bytes memory back = nominate(erin, 1 hours);
        other = propose(ALICE, back);
        approve(vm.addr(FRANK), other, back);
        approve(vm.addr(GRACE), other, back);
        registry.execute(ctx, other, back);
        vm.prank(erin);
        registry.acceptAdmin(ctx);
        IRegistry.SignedApproval[] memory list = only(approval(ERIN, digest));
        vm.expectRevert(IRegistry.E24_SeatedLater.selector);
        hand(seq, actions, list);
        (, uint8 index, uint64 since,,) = registry.admin(ctx, erin);
        vm.assertEq(index, 1);
        vm.assertEq(since, head().rev);
    }

    function test_removalTakesEveryRightAtOnce() public {
        seat(BOB);
        uint64 seq = propose(BOB, meta(DELTA));
        act(ALICE, remove(BOB));
        vm.expectRevert(IRegistry.E46_TooFewApprovals.selector);
        registry.execute(ctx, seq, meta(DELTA));
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        act(BOB, meta(DELTA));
        vm.expectRevert(IRegistry.E27_NotApproved.selector);
        vm.prank(BOB);
        registry.unapprove(ctx, seq);
        vm.expectRevert(IRegistry.E50_NotNominated.selector);
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
        // Its own proposal it may still withdraw.
        vm.prank(BOB);
        registry.cancel(ctx, seq);
    }

    // ---------------------------------------------------------------- counting

    function test_noApprovalIsNeverEnough() public {
        seat(BOB);
        uint64 seq = propose(BOB, meta(DELTA));
        vm.prank(BOB);
        registry.unapprove(ctx, seq);
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, seq, meta(DELTA));
        vm.expectRevert(IRegistry.E55_BadThreshold.selector);
        act(ALICE, threshold(0));
        seq = propose(BOB, meta(ROOT));
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.expectRevert(IRegistry.E46_TooFewApprovals.selector);
        registry.execute(ctx, seq, meta(ROOT));
    }

    function test_aContextCannotBeLockedByItsThreshold() public {
        twoOfThree();
        bytes memory actions = bytes.concat(threshold(4));
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        vm.expectRevert(IRegistry.E55_BadThreshold.selector);
        registry.execute(ctx, seq, actions);
        actions = bytes.concat(remove(BOB), remove(CAROL));
        seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        vm.expectRevert(IRegistry.E54_RemovalRefused.selector);
        registry.execute(ctx, seq, actions);
        actions = bytes.concat(remove(BOB), remove(CAROL), remove(ALICE), threshold(1));
        seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        vm.expectRevert(IRegistry.E54_RemovalRefused.selector);
        registry.execute(ctx, seq, actions);
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(i == 0 ? BOB : CAROL);
            registry.renounce(ctx);
        }
        vm.assertEq(head().threshold, 1);
        act(ALICE, meta(DELTA));
    }

    function test_whoComesInTheSameBlockDecidesNothingOlder() public {
        seat(BOB);
        uint64 seq = propose(BOB, meta(DELTA));
        act(ALICE, threshold(2));
        // In the same second: a seat is later by its revision, not by the clock.
        bytes memory nomination = nominate(CAROL, 1 hours);
        uint64 other = propose(ALICE, nomination);
        vm.prank(BOB);
        registry.approveAndExecute(ctx, other, nomination);
        vm.prank(CAROL);
        registry.acceptAdmin(ctx);
        vm.expectRevert(IRegistry.E24_SeatedLater.selector);
        approve(CAROL, seq, meta(DELTA));
        // One that is made after may count it.
        seq = propose(BOB, meta(DELTA));
        approve(CAROL, seq, meta(DELTA));
        registry.execute(ctx, seq, meta(DELTA));
    }

    function test_executionNeedsNobodysVote() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        approve(BOB, seq, meta(DELTA));
        vm.prank(CAROL);
        registry.renounce(ctx);
        vm.prank(STRANGER);
        registry.execute(ctx, seq, meta(DELTA));
    }

    function test_aBatchSeatsNobodyAndRaisesNothingThatCannotBeMet() public {
        vm.expectRevert(IRegistry.E55_BadThreshold.selector);
        act(ALICE, bytes.concat(nominate(BOB, 1 hours), threshold(2)));
        act(ALICE, bytes.concat(nominate(BOB, 1 hours), meta(DELTA)));
        vm.assertEq(head().admins, 1);
    }

    // ---------------------------------------------------------------- proposals as a nuisance

    function test_aProposalIsNamedByItsNumberAndClosedByItsProposer() public {
        twoOfThree();
        uint64 own = propose(ALICE, meta(DELTA));
        uint64 same = propose(BOB, meta(DELTA));
        vm.assertEq(same, own + 1);
        vm.expectRevert(IRegistry.E30_NotProposer.selector);
        vm.prank(BOB);
        registry.cancel(ctx, own);
        vm.prank(BOB);
        registry.cancel(ctx, same);
        vm.assertEq(registry.proposal(ctx, own).status, 1);
    }

    function test_oneAdminCannotStopOthersFromProposing() public {
        twoOfThree();
        for (uint256 i = 0; i < 8; i++) {
            propose(BOB, meta(DELTA));
        }
        propose(ALICE, meta(DELTA));
        vm.warp(block.timestamp + 1 days + 1);
        for (uint64 seq = 4; seq < 12; seq++) {
            vm.prank(STRANGER);
            registry.expire(ctx, seq);
        }
        propose(BOB, meta(DELTA));
    }

    function test_aStolenKeyIsGivenUpAtOnceEvenInAFreeze() public {
        act(ALICE, guardian(CAROL));
        seat(BOB);
        vm.prank(CAROL);
        registry.freeze(ctx, 7 days);
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.assertEq(head().admins, 1);
    }

    function test_anApprovalDoesNotWaitForYears() public {
        bytes memory actions = meta(DELTA);
        uint64 late = uint64(block.timestamp + 90 days + 1);
        vm.expectRevert(IRegistry.E15_BadExpiry.selector);
        vm.prank(ALICE);
        registry.propose(ctx, actions, late);
        vm.expectRevert(IRegistry.E15_BadExpiry.selector);
        vm.prank(ALICE);
        registry.propose(ctx, actions, type(uint64).max);
    }

    // ---------------------------------------------------------------- bounds

    function test_theLargestBatchByTheMostAdminsFitsInABlockManyTimes() public {
        for (uint160 i = 1; i < 32; i++) {
            seat(address(0x1000 + i));
        }
        act(ALICE, threshold(32));
        bytes memory actions;
        for (uint160 i = 0; i < 16; i++) {
            actions = bytes.concat(actions, nominate(address(0x2000 + i), 1 hours));
        }
        uint64 seq = propose(ALICE, actions);
        for (uint160 i = 1; i < 32; i++) {
            approve(address(0x1000 + i), seq, actions);
        }
        uint256 before = gasleft();
        registry.execute(ctx, seq, actions);
        vm.assertTrue(before - gasleft() < 1_000_000);
    }

    function test_aFailureLeavesNothingHalfDone() public {
        bytes32 before = keccak256(abi.encode(registry.record(ctx), head(), logHead()));
        bytes[4] memory last =
            [remove(BOB), membersRoot(DELTA, ROOT), nominate(ALICE, 1), delay(0, 31 days)];
        for (uint256 i = 0; i < last.length; i++) {
            bytes memory actions = bytes.concat(
                meta(DELTA), application(DELTA), guardian(BOB), nominate(CAROL, 1), last[i]
            );
            vm.expectRevert();
            act(ALICE, actions);
            bytes32 after_ = keccak256(abi.encode(registry.record(ctx), head(), logHead()));
            vm.assertEq(after_, before);
        }
        (,,, uint64 until,) = registry.admin(ctx, CAROL);
        vm.assertEq(until, 0);
    }

    // ---------------------------------------------------------------- fields stay apart

    function test_tablesOfOneContextAndOfTwoDoNotMeet() public {
        bytes32 first = ctx;
        bytes32 second = create(BOB, SALT, noDelays());
        act(ALICE, bytes.concat(meta(DELTA), inviteRoot(0, DELTA), guardian(CAROL)));
        uint64 seq = propose(ALICE, meta(ROOT));
        ctx = second;
        IRegistry.Record memory r = registry.record(second);
        vm.assertEq(r.metaHash, 0);
        vm.assertEq(r.inviteRoot, 0);
        vm.assertEq(r.guardian, address(0));
        vm.assertEq(r.openProposals, 0);
        vm.assertEq(registry.proposal(second, seq).status, 0);
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        act(ALICE, meta(DELTA));
        ctx = first;
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        act(BOB, meta(DELTA));
    }
}
