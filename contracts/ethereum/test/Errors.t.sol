// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice Every error code, once at least, in numeric order.
contract ErrorsTest is Fixture {
    function test_E01_aContextIsMadeOnce() public {
        IRegistry.Terms memory t = terms(noDelays());
        vm.expectRevert(IRegistry.E01_Exists.selector);
        vm.prank(ALICE);
        registry.create(SALT, t);
        create(BOB, SALT, noDelays());
    }

    function test_E03_termsAreBounded() public {
        IRegistry.Terms memory t = terms(noDelays());
        t.flags = 2;
        vm.expectRevert(IRegistry.E03_BadTerms.selector);
        registry.create(SALT, t);
        t.flags = 0x81;
        vm.expectRevert(IRegistry.E03_BadTerms.selector);
        registry.create(SALT, t);
        t = terms([uint32(0), 0, 0, 30 days + 1]);
        vm.expectRevert(IRegistry.E03_BadTerms.selector);
        registry.create(SALT, t);
    }

    function test_E10_anUnknownContextIsNotActive() public {
        ctx = keccak256("unknown");
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        act(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.acceptAdmin(ctx);
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.renounce(ctx);
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.approve(ctx, 1, DELTA);
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.unapprove(ctx, 1);
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.execute(ctx, 1, meta(DELTA));
    }

    function test_E10_nothingFollowsADissolutionInItsBatch() public {
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        act(ALICE, bytes.concat(dissolve(), meta(DELTA)));
    }

    function test_E12_onlyAdminsPropose() public {
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        propose(STRANGER, meta(DELTA));
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        act(STRANGER, meta(DELTA));
    }

    function test_E13_eightOpenProposalsPerAdmin() public {
        for (uint256 i = 0; i < 8; i++) {
            propose(ALICE, meta(DELTA));
        }
        vm.expectRevert(IRegistry.E13_TooManyOpenByProposer.selector);
        propose(ALICE, meta(DELTA));
        vm.prank(ALICE);
        registry.cancel(ctx, 3);
        propose(ALICE, meta(DELTA));
    }

    function test_E14_sixtyFourOpenProposalsPerContext() public {
        for (uint160 i = 0; i < 8; i++) {
            address who = address(0x1000 + i);
            seat(who);
            for (uint256 j = 0; j < 8; j++) {
                propose(who, meta(DELTA));
            }
        }
        vm.expectRevert(IRegistry.E14_TooManyOpen.selector);
        propose(ALICE, meta(DELTA));
    }

    function test_E15_expiryLiesAheadAndWithinNinetyDays() public {
        uint64 now_ = uint64(block.timestamp);
        bytes memory actions = meta(DELTA);
        vm.expectRevert(IRegistry.E15_BadExpiry.selector);
        vm.prank(ALICE);
        registry.propose(ctx, actions, now_);
        vm.expectRevert(IRegistry.E15_BadExpiry.selector);
        vm.prank(ALICE);
        registry.propose(ctx, actions, now_ + 90 days + 1);
        vm.prank(ALICE);
        registry.propose(ctx, actions, now_ + 90 days);
    }

    function test_E15_expiryLeavesRoomForTheDelay() public {
        ctx = create(ALICE, keccak256("slow"), [uint32(0), 2 days, 0, 0]);
        vm.expectRevert(IRegistry.E15_BadExpiry.selector);
        propose(ALICE, application(DELTA));
    }

    function test_E16_malformedActionsAreRefused() public {
        refused("");
        refused(hex"10");
        refused(hex"1000");
        refused(hex"100020");
        refused(bytes.concat(meta(DELTA), hex"00"));
        refused(action(0x10, abi.encodePacked(DELTA, uint8(0))));
        refused(action(0x03, ""));
        refused(action(0x0F, hex"00"));
        refused(action(0x05, abi.encodePacked(ROOT, DELTA)));
        refused(action(0x00, ""));
        refused(action(0x12, ""));
        refused(action(0xFF, ""));
        refused(action(0x02, abi.encodePacked(uint8(19), BOB)));
        refused(nominate(address(0), 1));
        refused(action(0x04, abi.encodePacked(uint8(4), uint32(1))));
        refused(action(0x04, abi.encodePacked(uint8(0), uint64(1))));
        refused(action(0x0A, abi.encodePacked(DELTA)));
        refused(action(0x0B, ""));
        refused(action(0x0B, hex"01"));
        refused(action(0x0B, abi.encodePacked(uint8(20), address(0))));
        refused(action(0x0B, abi.encodePacked(uint8(0), BOB)));
        refused(action(0x0B, abi.encodePacked(uint8(19), bytes19(DELTA))));
        refused(action(0x0B, abi.encodePacked(uint8(32), DELTA)));
        bytes memory many;
        for (uint256 i = 0; i < 17; i++) {
            many = bytes.concat(many, meta(DELTA));
        }
        refused(many);
        refused(action(0x10, new bytes(5000)));
    }

    function test_E17_reservedKindsAreRefusedByName() public {
        uint8[6] memory kinds = [0x06, 0x07, 0x0C, 0x0D, 0x0E, 0x11];
        for (uint256 i = 0; i < kinds.length; i++) {
            bytes memory actions = action(kinds[i], "");
            vm.expectRevert(abi.encodeWithSelector(IRegistry.E17_Reserved.selector, kinds[i]));
            propose(ALICE, actions);
        }
    }

    function test_E16_E17_theFirstBadActionDecides() public {
        refused(bytes.concat(action(0x0F, hex"00"), action(0x06, "")));
        bytes memory actions = bytes.concat(action(0x06, hex"00"), action(0x0F, hex"00"));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.E17_Reserved.selector, 0x06));
        propose(ALICE, actions);
    }

    function test_E20_aClosedProposalIsNotApproved() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.prank(ALICE);
        registry.cancel(ctx, seq);
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        approve(BOB, seq, meta(DELTA));
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        vm.prank(ALICE);
        registry.unapprove(ctx, seq);
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        vm.prank(ALICE);
        registry.cancel(ctx, seq);
    }

    function test_E21_anExpiredProposalIsNotApproved() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.warp(block.timestamp + 1 days + 1);
        vm.expectRevert(IRegistry.E21_Expired.selector);
        approve(BOB, seq, meta(DELTA));
    }

    function test_E22_anApprovalNamesTheActions() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E22_OtherActions.selector);
        approve(BOB, seq, meta(ROOT));
    }

    function test_E23_strangersDoNotApprove() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E23_ApproverNotAdmin.selector);
        approve(STRANGER, seq, meta(DELTA));
    }

    function test_E24_whoIsSeatedLaterDoesNotApprove() public {
        seat(BOB);
        bytes memory actions = meta(DELTA);
        uint64 seq = propose(BOB, actions);
        seat(CAROL);
        vm.expectRevert(IRegistry.E24_SeatedLater.selector);
        approve(CAROL, seq, actions);
    }

    function test_E25_nobodyApprovesTwice() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E25_AlreadyApproved.selector);
        approve(ALICE, seq, meta(DELTA));
    }

    function test_E27_onlyAnApprovalIsTakenBack() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E27_NotApproved.selector);
        vm.prank(BOB);
        registry.unapprove(ctx, seq);
        vm.expectRevert(IRegistry.E27_NotApproved.selector);
        vm.prank(STRANGER);
        registry.unapprove(ctx, seq);
    }

    function test_E40_otherActionsAreNotExecuted() public {
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E40_OtherActions.selector);
        registry.execute(ctx, seq, meta(ROOT));
    }

    function test_E41_aProposalExecutesOnce() public {
        uint64 seq = propose(ALICE, meta(DELTA));
        registry.execute(ctx, seq, meta(DELTA));
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, seq, meta(DELTA));
        seq = act(ALICE, meta(ROOT));
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, seq, meta(ROOT));
    }

    function test_E43_anExpiredProposalIsNotExecuted() public {
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.warp(block.timestamp + 1 days + 1);
        vm.expectRevert(IRegistry.E43_Expired.selector);
        registry.execute(ctx, seq, meta(DELTA));
    }

    function test_E50_aNominationEnds() public {
        act(ALICE, nominate(BOB, 1 hours));
        vm.expectRevert(IRegistry.E50_NotNominated.selector);
        vm.prank(CAROL);
        registry.acceptAdmin(ctx);
        vm.warp(block.timestamp + 1 hours + 1);
        vm.expectRevert(IRegistry.E50_NotNominated.selector);
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
    }

    function test_E50_aNominationIsUsedOnce() public {
        seat(BOB);
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.expectRevert(IRegistry.E50_NotNominated.selector);
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
    }

    function test_E51_anAdminHasOneSeat() public {
        seat(BOB);
        vm.expectRevert(IRegistry.E51_AlreadyAdmin.selector);
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
    }

    function test_E52_thirtyTwoSeats() public {
        for (uint160 i = 1; i < 32; i++) {
            seat(address(0x1000 + i));
        }
        act(ALICE, nominate(BOB, 1 hours));
        vm.expectRevert(IRegistry.E52_NoFreeSeat.selector);
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
    }

    function test_E53_theLastAdminCannotLeave() public {
        vm.expectRevert(IRegistry.E53_LastAdmin.selector);
        vm.prank(ALICE);
        registry.renounce(ctx);
    }

    function test_E54_theLastAdminCannotBeRemoved() public {
        vm.expectRevert(IRegistry.E54_RemovalRefused.selector);
        act(ALICE, remove(ALICE));
        vm.expectRevert(IRegistry.E54_RemovalRefused.selector);
        act(ALICE, remove(STRANGER));
    }

    function test_E54_aRemovalLeavesTheThresholdReachable() public {
        seat(BOB);
        act(ALICE, threshold(2));
        bytes memory actions = remove(BOB);
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        vm.expectRevert(IRegistry.E54_RemovalRefused.selector);
        registry.execute(ctx, seq, actions);
        actions = bytes.concat(remove(BOB), threshold(1));
        seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        registry.execute(ctx, seq, actions);
    }

    function test_E55_aThresholdIsBetweenOneAndTheNumberOfAdmins() public {
        vm.expectRevert(IRegistry.E55_BadThreshold.selector);
        act(ALICE, threshold(0));
        vm.expectRevert(IRegistry.E55_BadThreshold.selector);
        act(ALICE, threshold(2));
    }

    function test_E57_aStaleRootLoses() public {
        act(ALICE, membersRoot(ROOT, DELTA));
        bytes memory loser = membersRoot(ROOT, SALT);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.E57_StaleRoot.selector, DELTA));
        act(ALICE, loser);
        loser = inviteRoot(ROOT, SALT);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.E57_StaleRoot.selector, bytes32(0)));
        act(ALICE, loser);
    }

    function test_E58_anAdminIsNotNominated() public {
        seat(BOB);
        vm.expectRevert(IRegistry.E58_NomineeIsAdmin.selector);
        act(ALICE, nominate(BOB, 1));
    }

    function test_E59_aNominationLastsAtMostNinetyDays() public {
        vm.expectRevert(IRegistry.E59_BadTtl.selector);
        act(ALICE, nominate(BOB, 0));
        vm.expectRevert(IRegistry.E59_BadTtl.selector);
        act(ALICE, nominate(BOB, 90 days + 1));
    }

    function test_aFailedActionUndoesTheWholeBatch() public {
        vm.expectRevert(IRegistry.E55_BadThreshold.selector);
        act(ALICE, bytes.concat(membersRoot(ROOT, DELTA), threshold(9)));
        vm.assertEq(registry.record(ctx).membersRoot, ROOT);
        vm.assertEq(head().rev, 1);
    }

    function refused(bytes memory actions) private {
        vm.expectRevert(IRegistry.E16_BadActions.selector);
        propose(ALICE, actions);
    }
}
