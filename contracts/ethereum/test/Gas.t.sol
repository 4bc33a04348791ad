// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice What the transactions of a context cost; `snapshots/Gas.json` holds the numbers.
/// @dev Run with `--isolate`, so that each call counts as a transaction of its own.
/// forge-config: default.isolate = true
contract GasTest is Fixture {
    uint256 private constant CREATE_MAX = 190_000;
    uint256 private constant APPROVE_MAX = 50_000;
    uint256 private constant MEMBERS_MAX = 66_000;

    function test_creatingARecord() public {
        create(BOB, SALT, noDelays());
        below("create", CREATE_MAX);
    }

    function test_aMembershipBatchByOneAdmin() public {
        act(ALICE, membersRoot(ROOT, DELTA));
        below("members, one admin, one transaction", MEMBERS_MAX);
    }

    function test_aMembershipBatchByTwoOfThree() public {
        twoOfThree();
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        vm.snapshotGasLastCall("Gas", "propose");
        approve(BOB, seq, actions);
        below("approve, last of two", APPROVE_MAX);
        registry.execute(ctx, seq, actions);
        below("members, execute", MEMBERS_MAX);
    }

    function test_anAdminComesAndLeaves() public {
        act(ALICE, nominate(BOB, 1 hours));
        vm.snapshotGasLastCall("Gas", "nominate");
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
        vm.snapshotGasLastCall("Gas", "acceptAdmin");
        vm.prank(BOB);
        registry.renounce(ctx);
        vm.snapshotGasLastCall("Gas", "renounce");
    }

    function below(string memory name, uint256 max) private {
        uint256 gas = vm.snapshotGasLastCall("Gas", name);
        vm.assertTrue(gas <= max);
    }
}
