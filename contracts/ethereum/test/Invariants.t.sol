// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Head, HeadWord} from "../src/Head.sol";
import {IRegistry} from "../src/IRegistry.sol";
import {Crowd} from "./Crowd.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice What holds whatever anybody does, by the numbers of the design.
/// @dev I2 to I9 are looked at in each call that succeeds, by the crowd's shadow: a call of the
/// crowd that reverts is a broken one. I10 is in `Hostile.t.sol`: there is no call out but to ask,
/// and that before anything is stored.
contract InvariantsTest is Fixture {
    using HeadWord for uint256;

    uint256 private constant STEPS = 4000;

    Crowd internal crowd;

    function setUp() public override {
        vm.warp(1_800_000_000);
        registry = deploy();
        crowd = new Crowd(registry);
        ctx = crowd.ctx();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(crowd);
    }

    // ---------------------------------------------------------------- the twelve

    function invariant_theTwelveHold() public view {
        all();
    }

    function I1_theThresholdIsBetweenOneAndTheNumberOfAdmins() private view {
        Head memory h = head();
        vm.assertTrue(h.threshold >= 1 && h.threshold <= h.admins && h.admins <= 32);
    }

    function I2_theLogHeadIsRecomputedFromEvents() private view {
        vm.assertEq(head().rev, crowd.rev());
        vm.assertEq(logHead(), crowd.logHead());
    }

    function I3_aNumberExecutesOnce() private view {
        vm.assertEq(head().seq, crowd.lastSeq());
        for (uint64 seq = 1; seq <= crowd.lastSeq(); seq++) {
            vm.assertTrue(crowd.executed(seq) <= 1);
            if (crowd.executed(seq) == 1) vm.assertFalse(crowd.isOpen(seq));
        }
    }

    function I6_I12_seatsAreThoseThatWereAccepted() private view {
        Head memory h = head();
        uint256 taken;
        for (uint8 i = 0; i < 64; i++) {
            address holder = crowd.holderOf(i);
            bool set = (h.active >> i) & 1 == 1;
            vm.assertTrue(set == (holder != address(0)));
            if (!set) continue;
            taken++;
            (bool seated, uint8 index,,,) = registry.admin(ctx, holder);
            vm.assertTrue(seated && index == i);
        }
        vm.assertEq(taken, h.admins);
    }

    function I11_onlyOpenProposalsAreStored() private view {
        IRegistry.Proposal memory none;
        bytes32 empty = keccak256(abi.encode(none));
        uint256 open;
        for (uint64 seq = 1; seq <= crowd.lastSeq() + 1; seq++) {
            IRegistry.Proposal memory p = registry.proposal(ctx, seq);
            if (crowd.isOpen(seq)) {
                open++;
                vm.assertEq(p.eta, crowd.etaOf(seq));
                vm.assertEq(p.status, p.eta == 0 ? 1 : 2);
            } else {
                vm.assertEq(keccak256(abi.encode(p)), empty);
            }
        }
        vm.assertEq(open, registry.record(ctx).openProposals);
        vm.assertTrue(open <= 64);
        for (uint256 i = 0; i < 6; i++) {
            address who = vm.addr(0xC40D0 + i);
            (,,,, uint8 own) = registry.admin(ctx, who);
            vm.assertEq(own, crowd.openBy(who));
            vm.assertTrue(own <= 8);
        }
    }

    // ---------------------------------------------------------------- that much happens

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_aLongLifeKeepsThemAll(bytes32 seed) public {
        live(seed, 100);
        all();
    }

    function test_whatPeopleTryAlsoSucceeds() public {
        for (uint256 i = 0; i < STEPS / 200; i++) {
            live(keccak256(abi.encode("crowd", i)), 200);
            all();
        }
        string[14] memory names = [
            "propose",
            "act",
            "approve",
            "approveAndExecute",
            "approveBySigs",
            "unapprove",
            "cancel",
            "veto",
            "execute",
            "expire",
            "acceptAdmin",
            "renounce",
            "freeze",
            "claim"
        ];
        for (uint256 i = 0; i < names.length; i++) {
            vm.assertTrue(crowd.done(names[i]) != 0, names[i]);
        }
    }

    function all() private view {
        I1_theThresholdIsBetweenOneAndTheNumberOfAdmins();
        I2_theLogHeadIsRecomputedFromEvents();
        I3_aNumberExecutesOnce();
        I6_I12_seatsAreThoseThatWereAccepted();
        I11_onlyOpenProposalsAreStored();
    }

    function live(bytes32 seed, uint256 steps) private {
        for (uint256 i = 0; i < steps; i++) {
            seed = keccak256(abi.encode(seed));
            uint256 a = uint64(uint256(seed));
            uint256 b = uint64(uint256(seed) >> 64);
            uint256 c = uint64(uint256(seed) >> 128);
            uint256 kind = uint256(seed) >> 248;
            if (kind < 80) crowd.propose(a, b, c, a >> 8, c >> 8, kind % 2 == 0);
            else if (kind < 110) crowd.approve(a, b, c % 16 == 0);
            else if (kind < 130) crowd.approveAndExecute(a, b);
            else if (kind < 150) crowd.approveBySigs(a, b, c, a);
            else if (kind < 160) crowd.unapprove(a, b);
            else if (kind < 165) crowd.cancel(a, b);
            else if (kind < 168) crowd.veto(a, b);
            else if (kind < 190) crowd.execute(a, b);
            else if (kind < 200) crowd.expire(a, b);
            else if (kind < 215) crowd.acceptAdmin(a);
            else if (kind < 218) crowd.renounce(a, b);
            else if (kind < 221) crowd.freeze(a, uint32(b));
            else if (kind < 226) crowd.claim(a, uint32(b));
            else if (kind < 250) crowd.wait(a);
            else crowd.waitLong(a);
        }
    }
}
