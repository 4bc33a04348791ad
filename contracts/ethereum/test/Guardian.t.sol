// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Fixture} from "./Fixture.sol";
import {Vm, vm} from "./Vm.sol";

/// @notice Who may hold admins back, and how long things take: veto, freeze, delays.
contract GuardianTest is Fixture {
    address internal constant GUARD = address(0x6A4D);

    function setUp() public override {
        super.setUp();
        act(ALICE, guardian(GUARD));
    }

    // ---------------------------------------------------------------- the guardian

    function test_adminsNameAndDropTheGuardian() public {
        vm.assertEq(registry.record(ctx).guardian, GUARD);
        act(ALICE, guardian(BOB));
        vm.assertEq(registry.record(ctx).guardian, BOB);
        act(ALICE, guardian(address(0)));
        vm.assertEq(registry.record(ctx).guardian, address(0));
    }

    function test_aRecordMayBeginWithAGuardian() public {
        IRegistry.Terms memory t = terms(noDelays());
        t.guardian = GUARD;
        vm.prank(BOB);
        vm.assertEq(registry.record(registry.create(SALT, t)).guardian, GUARD);
    }

    // ---------------------------------------------------------------- veto

    function test_theGuardianClosesAnOpenOrQueuedProposal() public {
        twoOfThree();
        uint64 open = propose(ALICE, meta(DELTA));
        uint64 queued = propose(ALICE, meta(ROOT));
        approve(BOB, queued, meta(ROOT));
        vm.recordLogs();
        veto(GUARD, open);
        veto(GUARD, queued);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2);
        vm.assertEq(logs[0].topics[0], IRegistry.Vetoed.selector);
        vm.assertEq(logs[1].topics[2], bytes32(uint256(queued)));
        vm.assertEq(registry.record(ctx).openProposals, 0);
        (,,,, uint8 mine) = registry.admin(ctx, ALICE);
        vm.assertEq(mine, 0);
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, queued, meta(ROOT));
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        veto(GUARD, queued);
    }

    function test_E31_nobodyElseVetoes() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E31_NotGuardian.selector);
        veto(ALICE, seq);
        vm.expectRevert(IRegistry.E31_NotGuardian.selector);
        veto(STRANGER, seq);
    }

    function test_E31_allAdminsReplaceAGuardianThatVetoes() public {
        twoOfThree();
        bytes memory actions = bytes.concat(meta(DELTA), guardian(address(0)));
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        uint256 before = vm.snapshotState();
        veto(GUARD, seq);
        vm.revertToState(before);
        approve(CAROL, seq, actions);
        vm.expectRevert(IRegistry.E31_NotGuardian.selector);
        veto(GUARD, seq);
        registry.execute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).guardian, address(0));
    }

    function test_unanimityIsCountedOverThoseWhoHoldSeatsNow() public {
        seat(BOB);
        act(ALICE, threshold(2));
        bytes memory actions = guardian(BOB);
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        bytes memory nomination = nominate(CAROL, 1 hours);
        uint64 other = propose(ALICE, nomination);
        vm.prank(BOB);
        registry.approveAndExecute(ctx, other, nomination);
        vm.prank(CAROL);
        registry.acceptAdmin(ctx);
        // Carol came later and cannot approve, so it is not unanimous any more.
        veto(GUARD, seq);
    }

    function test_vetoesAndCancelsClearADissolvedRecord() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        uint64 other = propose(ALICE, meta(ROOT));
        uint64 third = propose(ALICE, meta(SALT));
        uint64 end = propose(ALICE, dissolve());
        vm.prank(BOB);
        registry.approveAndExecute(ctx, end, dissolve());
        veto(GUARD, seq);
        vm.prank(ALICE);
        registry.cancel(ctx, other);
        vm.warp(block.timestamp + 1 days + 1);
        registry.expire(ctx, third);
        vm.assertEq(registry.record(ctx).openProposals, 0);
    }

    // ---------------------------------------------------------------- freeze

    function test_aFreezeIsARevisionAndStopsEveryExecution() public {
        uint64 seq = propose(ALICE, meta(DELTA));
        uint64 rev = head().rev;
        freeze(GUARD, 7 days);
        uint64 until = uint64(block.timestamp + 7 days);
        vm.assertEq(head().rev, rev + 1);
        vm.assertEq(registry.record(ctx).frozenUntil, until);
        vm.assertEq(registry.record(ctx).lastFreeze, block.timestamp);
        vm.expectRevert(IRegistry.E44_Frozen.selector);
        registry.execute(ctx, seq, meta(DELTA));
        vm.expectRevert(IRegistry.E44_Frozen.selector);
        act(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E11_Frozen.selector);
        propose(ALICE, application(DELTA));
        vm.expectRevert(IRegistry.E11_Frozen.selector);
        act(ALICE, guardian(address(0)));
        // Routine may be proposed, and carried out when it is over.
        vm.prank(ALICE);
        uint64 later = registry.propose(ctx, meta(ROOT), until + 1);
        vm.warp(until);
        registry.execute(ctx, later, meta(ROOT));
        act(ALICE, application(DELTA));
    }

    function test_E44_approvingDoesNotExecuteInAFreeze() public {
        twoOfThree();
        bytes memory actions = meta(DELTA);
        uint64 seq = propose(ALICE, actions);
        freeze(GUARD, 1 hours);
        vm.expectRevert(IRegistry.E44_Frozen.selector);
        vm.prank(BOB);
        registry.approveAndExecute(ctx, seq, actions);
        approve(BOB, seq, actions);
        vm.warp(block.timestamp + 1 hours);
        registry.execute(ctx, seq, actions);
    }

    function test_E80_aFreezeIsTheGuardiansShortAndRare() public {
        vm.expectRevert(IRegistry.E80_FreezeRefused.selector);
        freeze(ALICE, 1 days);
        vm.expectRevert(IRegistry.E80_FreezeRefused.selector);
        freeze(GUARD, 0);
        vm.expectRevert(IRegistry.E80_FreezeRefused.selector);
        freeze(GUARD, 7 days + 1);
        freeze(GUARD, 1);
        vm.warp(block.timestamp + 30 days - 1);
        vm.expectRevert(IRegistry.E80_FreezeRefused.selector);
        freeze(GUARD, 1);
        vm.warp(block.timestamp + 1);
        freeze(GUARD, 1);
        vm.warp(block.timestamp + 30 days);
        act(ALICE, guardian(address(0)));
        vm.expectRevert(IRegistry.E80_FreezeRefused.selector);
        freeze(GUARD, 1);
    }

    // ---------------------------------------------------------------- delays

    function test_aRaisedDelayCountsAtOnce() public {
        act(ALICE, delay(1, 1 hours));
        vm.assertEq(registry.record(ctx).delays[1], 1 hours);
        uint64 seq = act(ALICE, application(DELTA));
        vm.assertEq(registry.proposal(ctx, seq).eta, block.timestamp + 1 hours);
        act(ALICE, meta(DELTA));
    }

    function test_aLoweredDelayCountsAfterThePresentOne() public {
        act(ALICE, delay(1, 1 hours));
        act(ALICE, delay(1, 1 minutes));
        vm.assertEq(registry.record(ctx).delays[1], 1 hours);
        vm.warp(block.timestamp + 1 hours - 1);
        vm.assertEq(registry.record(ctx).delays[1], 1 hours);
        uint64 seq = act(ALICE, application(DELTA));
        vm.assertEq(registry.proposal(ctx, seq).eta, block.timestamp + 1 hours);
        vm.warp(block.timestamp + 1);
        vm.assertEq(registry.record(ctx).delays[1], 1 minutes);
        vm.assertEq(registry.record(ctx).delays[0], 0);
        seq = act(ALICE, application(DELTA));
        vm.assertEq(registry.proposal(ctx, seq).eta, block.timestamp + 1 minutes);
    }

    function test_whatIsQueuedWaitsAsLongAsItWasTold() public {
        act(ALICE, delay(1, 1 hours));
        uint64 seq = act(ALICE, application(DELTA));
        uint40 eta = registry.proposal(ctx, seq).eta;
        act(ALICE, delay(1, 0));
        vm.warp(block.timestamp + 1 hours);
        vm.assertEq(registry.proposal(ctx, seq).eta, eta);
        registry.execute(ctx, seq, application(DELTA));
    }

    function test_raisingEndsALoweringUnderWay() public {
        act(ALICE, delay(1, 2 hours));
        act(ALICE, delay(1, 0));
        act(ALICE, delay(1, 2 hours));
        vm.warp(block.timestamp + 2 hours);
        vm.assertEq(registry.record(ctx).delays[1], 2 hours);
    }

    function test_loweringAgainStartsThePresentDelayAgain() public {
        act(ALICE, delay(1, 2 hours));
        act(ALICE, delay(1, 0));
        vm.warp(block.timestamp + 1 hours);
        act(ALICE, delay(1, 1 minutes));
        vm.warp(block.timestamp + 2 hours - 1);
        vm.assertEq(registry.record(ctx).delays[1], 2 hours);
        vm.warp(block.timestamp + 1);
        vm.assertEq(registry.record(ctx).delays[1], 1 minutes);
        // One that began to count is the present one, whoever looks.
        act(ALICE, delay(1, 30));
        vm.assertEq(registry.record(ctx).delays[1], 1 minutes);
        vm.warp(block.timestamp + 1 minutes);
        vm.assertEq(registry.record(ctx).delays[1], 30);
    }

    function test_theRootDelayGuardsItself() public {
        act(ALICE, delay(3, 2 days));
        bytes memory lower = delay(3, 0);
        vm.prank(ALICE);
        uint64 seq = registry.propose(ctx, lower, uint64(block.timestamp + 3 days));
        vm.warp(block.timestamp + 2 days);
        registry.execute(ctx, seq, lower);
        vm.assertEq(registry.record(ctx).delays[3], 2 days);
        vm.warp(block.timestamp + 2 days);
        vm.assertEq(registry.record(ctx).delays[3], 0);
    }

    function test_E56_aDelayIsAtMostThirtyDays() public {
        vm.expectRevert(IRegistry.E56_BadDelay.selector);
        act(ALICE, delay(0, 30 days + 1));
        act(ALICE, delay(2, 30 days));
        vm.assertEq(registry.record(ctx).delays[2], 30 days);
        vm.assertEq(registry.record(ctx).delays[3], 0);
    }

    function test_everyDelayIsItsOwn() public {
        act(ALICE, bytes.concat(delay(0, 1), delay(1, 2), delay(2, 3), delay(3, 30 days)));
        uint32[4] memory delays = registry.record(ctx).delays;
        vm.assertEq(delays[0], 1);
        vm.assertEq(delays[1], 2);
        vm.assertEq(delays[2], 3);
        vm.assertEq(delays[3], 30 days);
    }

    // ---------------------------------------------------------------- capabilities

    function test_capabilitiesAreRecordedAndNothingElse() public {
        uint64 rev = head().rev;
        IRegistry.Record memory before = registry.record(ctx);
        act(ALICE, bytes.concat(caps(DELTA, 7), caps(0, 0)));
        vm.assertEq(head().rev, rev + 2);
        vm.assertEq(keccak256(abi.encode(before)), keccak256(abi.encode(registry.record(ctx))));
    }

    function veto(address by, uint64 seq) private {
        vm.prank(by);
        registry.veto(ctx, seq);
    }

    function freeze(address by, uint32 secs) private {
        vm.prank(by);
        registry.freeze(ctx, secs);
    }
}
