// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Head} from "../src/Head.sol";
import {IRegistry} from "../src/IRegistry.sol";
import {Fixture} from "./Fixture.sol";
import {Vm, vm} from "./Vm.sol";

/// @notice What holds when everybody does as they may.
contract RegistryTest is Fixture {
    event Rev(bytes32 indexed ctx, uint64 indexed rev, uint8 kind, bytes payload, bytes32 logHead);

    // ---------------------------------------------------------------- names and layout

    function test_aContextsNameDependsOnChainRegistryCreatorAndSalt() public {
        bytes32 rd = keccak256(
            abi.encodePacked("cam-1", uint8(12), "eip155:31337", uint8(20), address(registry))
        );
        vm.assertEq(registry.registryDomain(), rd);
        vm.assertEq(ctx, keccak256(abi.encodePacked(rd, uint8(20), ALICE, SALT)));
        vm.assertEq(registry.domain(ctx), keccak256(abi.encodePacked(rd, ctx)));
        vm.chainId(1);
        IRegistry other = deploy();
        vm.assertTrue(other.registryDomain() != rd);
    }

    function test_headAndLogHeadLieInTwoFixedWords() public view {
        bytes32 base = bytes32(uint256(keccak256("anchorhold.registry.1")) - 1);
        base = keccak256(abi.encode(base)) & ~bytes32(uint256(0xff));
        uint256 slot = uint256(keccak256(abi.encode(ctx, base)));
        (uint256 word, bytes32 logged) = registry.head(ctx);
        vm.assertEq(vm.load(address(registry), bytes32(slot)), bytes32(word));
        vm.assertEq(vm.load(address(registry), bytes32(slot + 1)), logged);
    }

    function test_aNewContextHasOneAdminAndRevisionOne() public view {
        Head memory h = head();
        vm.assertEq(h.rev, 1);
        vm.assertEq(h.seatsEpoch, 1);
        vm.assertEq(h.seq, 0);
        vm.assertEq(h.threshold, 1);
        vm.assertEq(h.admins, 1);
        vm.assertEq(h.status, 1);
        vm.assertEq(h.flags, 0);
        vm.assertEq(h.active, 1);
        IRegistry.Record memory r = registry.record(ctx);
        vm.assertEq(r.contextKeyHash, keccak256("genesis"));
        vm.assertEq(r.membersRoot, ROOT);
        vm.assertEq(r.membersCount, 1);
    }

    function test_theHeadIsOneWordMostSignificantFieldFirst() public {
        twoOfThree();
        (uint256 word,) = registry.head(ctx);
        Head memory h = head();
        bytes memory packed = abi.encodePacked(
            h.rev, h.seatsEpoch, h.seq, h.threshold, h.admins, h.status, h.flags, h.active
        );
        vm.assertEq(bytes32(packed), bytes32(word));
        vm.assertEq(h.active, 7);
        vm.assertEq(h.seatsEpoch, 4);
    }

    function test_theLogHeadCanBeRecomputedFromTheEvents() public {
        vm.recordLogs();
        ctx = create(ALICE, keccak256("other"), noDelays());
        seat(BOB);
        act(ALICE, bytes.concat(membersRoot(ROOT, DELTA), meta(DELTA), threshold(2)));
        vm.prank(BOB);
        registry.renounce(ctx);
        bytes32 chained = registry.domain(ctx);
        uint64 rev = 0;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].topics[0] != Rev.selector) continue;
            (uint8 kind, bytes memory payload, bytes32 said) =
                abi.decode(logs[i].data, (uint8, bytes, bytes32));
            rev += 1;
            vm.assertEq(uint256(logs[i].topics[2]), rev);
            chained = keccak256(abi.encodePacked(chained, rev, kind, keccak256(payload)));
            vm.assertEq(chained, said);
        }
        vm.assertEq(rev, 7);
        vm.assertEq(rev, head().rev);
        vm.assertEq(chained, logHead());
    }

    // ---------------------------------------------------------------- one admin

    function test_oneAdminActsInOneTransaction() public {
        uint64 seq = act(ALICE, membersRoot(ROOT, DELTA));
        vm.assertEq(seq, 1);
        vm.assertEq(registry.record(ctx).membersRoot, DELTA);
        vm.assertEq(registry.record(ctx).membersCount, 2);
        vm.assertEq(head().rev, 2);
        vm.assertEq(head().seatsEpoch, 1);
        vm.assertEq(registry.proposal(ctx, seq).status, 0);
        vm.assertEq(registry.record(ctx).openProposals, 0);
    }

    function test_everyActionOfABatchIsARevision() public {
        act(ALICE, bytes.concat(application(DELTA), inviteRoot(0, DELTA), meta(DELTA)));
        IRegistry.Record memory r = registry.record(ctx);
        vm.assertEq(r.appHash, DELTA);
        vm.assertEq(r.inviteRoot, DELTA);
        vm.assertEq(r.metaHash, DELTA);
        vm.assertEq(head().rev, 4);
    }

    function test_nomineeTakesASeatOnlyByAccepting() public {
        act(ALICE, nominate(BOB, 1 hours));
        (bool seated,,, uint64 until,) = registry.admin(ctx, BOB);
        vm.assertFalse(seated);
        vm.assertEq(until, block.timestamp + 1 hours);
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
        uint8 index;
        uint64 since;
        (seated, index, since, until,) = registry.admin(ctx, BOB);
        vm.assertTrue(seated);
        vm.assertEq(index, 1);
        vm.assertEq(since, 3);
        vm.assertEq(until, 0);
    }

    function test_renouncingLowersAThresholdThatCouldNotBeMet() public {
        seat(BOB);
        act(ALICE, threshold(2));
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.assertEq(head().threshold, 1);
        vm.assertEq(head().admins, 1);
        vm.assertEq(head().active, 1);
    }

    function test_dissolvingIsTheEnd() public {
        act(ALICE, dissolve());
        vm.assertEq(head().status, 2);
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        act(ALICE, meta(DELTA));
    }

    // ---------------------------------------------------------------- several admins

    function test_twoOfThreeExecuteWithTheSecondApproval() public {
        twoOfThree();
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = act(ALICE, actions);
        vm.assertEq(registry.record(ctx).membersRoot, ROOT);
        vm.assertEq(registry.proposal(ctx, seq).status, 1);
        vm.prank(BOB);
        registry.approveAndExecute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).membersRoot, DELTA);
        vm.assertEq(registry.proposal(ctx, seq).status, 0);
        vm.assertEq(registry.record(ctx).openProposals, 0);
    }

    function test_anybodyExecutesWhatIsQueued() public {
        twoOfThree();
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        vm.assertEq(registry.proposal(ctx, seq).status, 2);
        vm.prank(STRANGER);
        registry.execute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).membersRoot, DELTA);
    }

    function test_aDelayIsWaitedFor() public {
        uint32[4] memory delays = [uint32(0), 1 hours, 1 hours, 1 hours];
        ctx = create(ALICE, keccak256("slow"), delays);
        bytes memory actions = application(DELTA);
        uint64 seq = act(ALICE, actions);
        vm.assertEq(registry.proposal(ctx, seq).eta, block.timestamp + 1 hours);
        vm.expectRevert(IRegistry.E42_TooEarly.selector);
        registry.execute(ctx, seq, actions);
        vm.warp(block.timestamp + 1 hours);
        registry.execute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).appHash, DELTA);
        act(ALICE, membersRoot(ROOT, DELTA));
    }

    function test_theSlowestActionDelaysTheBatch() public {
        uint32[4] memory delays = [uint32(0), 1 hours, 2 hours, 3 hours];
        ctx = create(ALICE, keccak256("slow"), delays);
        uint64 seq = propose(ALICE, bytes.concat(meta(DELTA), threshold(1), application(DELTA)));
        vm.assertEq(registry.proposal(ctx, seq).class, 2);
        vm.assertEq(registry.proposal(ctx, seq).eta, block.timestamp + 2 hours);
        seq = propose(ALICE, nominate(BOB, 1));
        vm.assertEq(registry.proposal(ctx, seq).class, 0);
        seq = propose(ALICE, dissolve());
        vm.assertEq(registry.proposal(ctx, seq).class, 3);
    }

    function test_anApprovalTakenBackUnqueues() public {
        twoOfThree();
        bytes memory actions = meta(DELTA);
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        vm.prank(ALICE);
        registry.unapprove(ctx, seq);
        vm.assertEq(registry.proposal(ctx, seq).status, 1);
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, seq, actions);
        approve(CAROL, seq, actions);
        registry.execute(ctx, seq, actions);
    }

    // ---------------------------------------------------------------- stale approvals

    function test_aRemovedSignersApprovalDoesNotCount() public {
        twoOfThree();
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(BOB, actions);
        bytes memory removal = remove(BOB);
        uint64 other = propose(ALICE, removal);
        vm.prank(CAROL);
        registry.approveAndExecute(ctx, other, removal);
        approve(CAROL, seq, actions);
        vm.assertEq(registry.proposal(ctx, seq).status, 1);
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, seq, actions);
    }

    function test_aQueuedProposalLosesWithItsSigner() public {
        twoOfThree();
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.expectRevert(IRegistry.E46_TooFewApprovals.selector);
        registry.execute(ctx, seq, actions);
        approve(CAROL, seq, actions);
        registry.execute(ctx, seq, actions);
    }

    function test_aSeatTakenOverDoesNotInheritItsApproval() public {
        twoOfThree();
        act(ALICE, bytes.concat(meta(DELTA)));
        bytes memory actions = membersRoot(ROOT, DELTA);
        bytes memory nomination = nominate(DAVE, 1 hours);
        uint64 seq = propose(ALICE, actions);
        approve(BOB, seq, actions);
        uint64 other = propose(ALICE, nomination);
        vm.prank(CAROL);
        registry.approveAndExecute(ctx, other, nomination);
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.prank(DAVE);
        registry.acceptAdmin(ctx);
        (, uint8 index,,,) = registry.admin(ctx, DAVE);
        vm.assertEq(index, 1);
        vm.expectRevert(IRegistry.E46_TooFewApprovals.selector);
        registry.execute(ctx, seq, actions);
        vm.expectRevert(IRegistry.E24_SeatedLater.selector);
        approve(DAVE, seq, actions);
        vm.expectRevert(IRegistry.E27_NotApproved.selector);
        vm.prank(DAVE);
        registry.unapprove(ctx, seq);
    }

    function test_aRaisedThresholdBindsWhatIsAlreadyQueued() public {
        seat(BOB);
        bytes memory actions = meta(DELTA);
        uint64 seq = propose(BOB, actions);
        act(ALICE, threshold(2));
        vm.expectRevert(IRegistry.E46_TooFewApprovals.selector);
        registry.execute(ctx, seq, actions);
        approve(ALICE, seq, actions);
        registry.execute(ctx, seq, actions);
    }

    function test_aLoweredThresholdDoesNotHelpWhatWasProposedBefore() public {
        twoOfThree();
        bytes memory actions = meta(DELTA);
        uint64 seq = propose(ALICE, actions);
        bytes memory lower = threshold(1);
        uint64 other = propose(ALICE, lower);
        vm.prank(BOB);
        registry.approveAndExecute(ctx, other, lower);
        vm.expectRevert(IRegistry.E41_NotQueued.selector);
        registry.execute(ctx, seq, actions);
    }

    // ---------------------------------------------------------------- housekeeping

    function test_aProposerCancelsAndAnAdminClearsWhatTheRemovedLeft() public {
        twoOfThree();
        uint64 mine = propose(BOB, meta(DELTA));
        vm.expectRevert(IRegistry.E30_NotProposer.selector);
        vm.prank(ALICE);
        registry.cancel(ctx, mine);
        vm.prank(BOB);
        registry.cancel(ctx, mine);
        uint64 left = propose(BOB, meta(ROOT));
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.expectRevert(IRegistry.E30_NotProposer.selector);
        vm.prank(STRANGER);
        registry.cancel(ctx, left);
        vm.prank(ALICE);
        registry.cancel(ctx, left);
        vm.assertEq(registry.record(ctx).openProposals, 0);
    }

    function test_anybodyFreesWhatExpired() public {
        twoOfThree();
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.expectRevert(IRegistry.E48_NotExpired.selector);
        registry.expire(ctx, seq);
        vm.warp(block.timestamp + 1 days + 1);
        registry.expire(ctx, seq);
        vm.assertEq(registry.record(ctx).openProposals, 0);
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        registry.expire(ctx, seq);
    }

    function test_aFreedSeatIsTheNextOneTaken() public {
        twoOfThree();
        vm.prank(BOB);
        registry.renounce(ctx);
        bytes memory nomination = nominate(DAVE, 1 hours);
        uint64 seq = propose(ALICE, nomination);
        vm.prank(CAROL);
        registry.approveAndExecute(ctx, seq, nomination);
        vm.prank(DAVE);
        registry.acceptAdmin(ctx);
        vm.assertEq(head().active, 7);
        vm.assertEq(head().admins, 3);
    }

    // ---------------------------------------------------------------- members

    function test_membershipIsProvedAgainstTheRoot() public {
        bytes32 left = keccak256(bytes.concat(keccak256("left")));
        bytes32 right = keccak256(bytes.concat(keccak256("right")));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = right;
        bytes32 root = MerkleProof.processProof(proof, left);
        act(ALICE, membersRoot(ROOT, root));
        vm.assertTrue(registry.isMember(ctx, left, proof));
        vm.assertFalse(registry.isMember(ctx, right, proof));
        vm.assertFalse(registry.isMember(keccak256("none"), left, proof));
        vm.assertFalse(registry.isMember(keccak256("none"), 0, new bytes32[](0)));
        vm.assertFalse(registry.isMember(ctx, left, new bytes32[](33)));
    }

    // ---------------------------------------------------------------- any bytes, any order

    function testFuzz_anyActionBytesAreAppliedOrRefusedWhole(bytes calldata actions) public {
        (uint256 word, bytes32 before) = registry.head(ctx);
        vm.prank(ALICE);
        try registry.act(ctx, actions, inOneDay()) {
            vm.assertTrue(logHead() != before);
        } catch {
            (uint256 after_, bytes32 logged) = registry.head(ctx);
            vm.assertEq(after_, word);
            vm.assertEq(logged, before);
        }
    }

    function testFuzz_strangersChangeNothing(address who, bytes32 hash, uint64 seq) public {
        vm.assume(who != ALICE);
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        act(who, meta(hash));
        vm.expectRevert(IRegistry.E12_NotAdmin.selector);
        vm.prank(who);
        registry.renounce(ctx);
        vm.expectRevert(IRegistry.E50_NotNominated.selector);
        vm.prank(who);
        registry.acceptAdmin(ctx);
        vm.expectRevert(IRegistry.E20_NotOpen.selector);
        vm.prank(who);
        registry.approve(ctx, seq, hash);
    }
}
