// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {IRegistry} from "../src/IRegistry.sol";
import {Signing} from "./Signing.sol";
import {vm} from "./Vm.sol";
import {Dao, Votes} from "./others/Dao.sol";
import {ISafe, Safes} from "./others/Safes.sol";

/// @notice Admins that are contracts of others: a Safe, and a vote.
contract AccountsTest is Signing, Safes {
    ISafe internal safe;
    TimelockController internal timelock;
    Votes internal token;
    Dao internal dao;

    function setUp() public override {
        super.setUp();
        deploySafes();
        safe = newSafe();
        vm.assertEq(safe.VERSION(), "1.5.0");
    }

    // ---------------------------------------------------------------- a Safe

    function test_aSafeTakesASeatProposesAndApproves() public {
        seatSafe();
        seat(BOB);
        act(ALICE, threshold(2));
        bytes memory actions = membersRoot(ROOT, DELTA);
        vm.assertTrue(bySafe(abi.encodeCall(IRegistry.propose, (ctx, actions, inOneDay()))));
        uint64 seq = head().seq;
        vm.assertEq(registry.proposal(ctx, seq).proposer, address(safe));
        approve(BOB, seq, actions);
        registry.execute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).membersRoot, DELTA);

        actions = meta(DELTA);
        seq = propose(BOB, actions);
        vm.assertTrue(bySafe(abi.encodeCall(IRegistry.approveAndExecute, (ctx, seq, actions))));
        vm.assertEq(registry.record(ctx).metaHash, DELTA);
    }

    function test_aSafeApprovesByItsOwnersSignaturesAlone() public {
        seatSafe();
        act(ALICE, threshold(2));
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        bytes32 digest = digestOf(seq, actions, inOneDay());
        bytes memory signatures = signedByThree(messageHash(safe, digest));
        hand(seq, actions, only(IRegistry.SignedApproval(address(safe), signatures)));
        registry.execute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).membersRoot, DELTA);
    }

    function test_E26_twoOwnersAreNotThreeAndOtherBytesAreNotSigned() public {
        seatSafe();
        act(ALICE, threshold(2));
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        bytes32 digest = digestOf(seq, actions, inOneDay());
        bytes memory signatures = signedByThree(messageHash(safe, digest));
        bytes memory two_ = new bytes(130);
        for (uint256 i = 0; i < 130; i++) {
            two_[i] = signatures[i];
        }
        refused(seq, actions, two_);
        refused(seq, actions, "");
        // The owners' keys sign for the Safe, not the digest itself.
        refused(seq, actions, signedByThree(digest));
        bytes memory foreign = signedByThree(messageHash(safe, digestOf(9, actions, inOneDay())));
        refused(seq, actions, foreign);
    }

    function test_aSafeThatIsRemovedActsNoMore() public {
        seatSafe();
        act(ALICE, remove(address(safe)));
        bytes memory data = abi.encodeCall(IRegistry.act, (ctx, meta(DELTA), inOneDay()));
        bytes memory signatures = signedByThree(transactionHash(safe, address(registry), data));
        vm.expectRevert();
        execWith(safe, address(registry), data, signatures);
    }

    // ---------------------------------------------------------------- a vote

    function test_aVoteNominatesAnAdmin() public {
        setUpDao();
        act(ALICE, nominate(address(timelock), 30 days));
        vote(abi.encodeCall(IRegistry.acceptAdmin, (ctx)));
        (bool seated,,,,) = registry.admin(ctx, address(timelock));
        vm.assertTrue(seated);

        uint64 expiry = uint64(block.timestamp + 30 days);
        vote(abi.encodeCall(IRegistry.act, (ctx, nominate(DAVE, 7 days), expiry)));
        vm.prank(DAVE);
        registry.acceptAdmin(ctx);
        (seated,,,,) = registry.admin(ctx, DAVE);
        vm.assertTrue(seated);
    }

    function test_aVoteIsOneOfTwoApprovals() public {
        setUpDao();
        act(ALICE, nominate(address(timelock), 30 days));
        vote(abi.encodeCall(IRegistry.acceptAdmin, (ctx)));
        act(ALICE, threshold(2));
        bytes memory nomination = nominate(DAVE, 7 days);
        vm.prank(ALICE);
        uint64 seq = registry.propose(ctx, nomination, uint64(block.timestamp + 30 days));
        vote(abi.encodeCall(IRegistry.approve, (ctx, seq, keccak256(nomination))));
        registry.execute(ctx, seq, nomination);
        vm.prank(DAVE);
        registry.acceptAdmin(ctx);
    }

    // ---------------------------------------------------------------- parts

    function seatSafe() private {
        act(ALICE, nominate(address(safe), 1 hours));
        vm.assertTrue(bySafe(abi.encodeCall(IRegistry.acceptAdmin, (ctx))));
    }

    function bySafe(bytes memory data) private returns (bool) {
        return exec(safe, address(registry), data);
    }

    function refused(uint64 seq, bytes memory actions, bytes memory signatures) private {
        IRegistry.SignedApproval[] memory list =
            only(IRegistry.SignedApproval(address(safe), signatures));
        vm.expectRevert(IRegistry.E26_BadSignature.selector);
        hand(seq, actions, list);
    }

    function setUpDao() private {
        token = new Votes(BOB);
        vm.prank(BOB);
        token.delegate(BOB);
        address[] memory anybody = new address[](1);
        timelock = new TimelockController(1 days, new address[](0), anybody, address(this));
        dao = new Dao(token, timelock);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(dao));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        vm.roll(block.number + 1);
    }

    /// @dev Proposed, voted for, queued, and executed after the timelock's day.
    function vote(bytes memory data) private {
        address[] memory targets = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        bytes[] memory calls = new bytes[](1);
        (targets[0], calls[0]) = (address(registry), data);
        uint256 number = block.number;
        vm.prank(BOB);
        uint256 id = dao.propose(targets, amounts, calls, "");
        vm.roll(number + 3);
        vm.prank(BOB);
        dao.castVote(id, 1);
        vm.roll(number + 200);
        dao.queue(targets, amounts, calls, keccak256(""));
        vm.warp(block.timestamp + 1 days);
        dao.execute(targets, amounts, calls, keccak256(""));
        require(dao.state(id) == IGovernor.ProposalState.Executed, "not executed");
    }
}
