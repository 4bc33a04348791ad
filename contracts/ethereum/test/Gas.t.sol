// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Signing} from "./Signing.sol";
import {vm} from "./Vm.sol";
import {Aragon, IDao, IMultisig} from "./others/Aragon.sol";
import {Root} from "./others/Root.sol";
import {ISafe, Safes} from "./others/Safes.sol";

/// @notice What transactions cost; `snapshots/*.json` hold the numbers.
/// @dev Each call counts as a transaction of its own, from cold storage, with its 21 000, its
/// calldata and its refunds.
/// forge-config: default.isolate = true
contract GasTest is Signing, Safes {
    uint256 private constant CREATE_MAX = 190_000;
    uint256 private constant APPROVE_MAX = 50_000;
    uint256 private constant MEMBERS_MAX = 66_000;

    string private constant OURS = "Registry";
    string private constant SAFE = "Safe";
    string private constant ARAGON = "Aragon";

    // ---------------------------------------------------------------- the registry alone

    function test_creatingARecord() public {
        create(BOB, SALT, noDelays());
        below("create", CREATE_MAX);
        IRegistry.Terms memory t = terms([uint32(0), 1 hours, 1 days, 2 days]);
        t.guardian = CAROL;
        registry.create(SALT, t);
        gas(OURS, "create, with delays and a guardian");
    }

    function test_aMembershipBatchByOneAdmin() public {
        act(ALICE, membersRoot(ROOT, DELTA));
        below("members, one admin, one transaction", MEMBERS_MAX);
    }

    function test_aMembershipBatchByTwoOfThree() public {
        twoOfThree();
        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        gas(OURS, "propose");
        approve(BOB, seq, actions);
        below("approve, last of two", APPROVE_MAX);
        vm.warp(block.timestamp + 1);
        registry.execute(ctx, seq, actions);
        below("members, execute", MEMBERS_MAX);
    }

    function test_anAdminComesAndLeaves() public {
        act(ALICE, nominate(BOB, 1 hours));
        gas(OURS, "nominate");
        vm.prank(BOB);
        registry.acceptAdmin(ctx);
        gas(OURS, "acceptAdmin");
        vm.prank(BOB);
        registry.renounce(ctx);
        gas(OURS, "renounce");
    }

    function test_theGuardianAndTheOthers() public {
        act(ALICE, guardian(CAROL));
        gas(OURS, "set guardian");
        act(ALICE, application(DELTA));
        gas(OURS, "set application");
        act(ALICE, delay(1, 1 hours));
        gas(OURS, "raise a delay");
        act(ALICE, delay(1, 1));
        gas(OURS, "lower a delay");
        uint64 seq = propose(ALICE, meta(DELTA));
        vm.prank(CAROL);
        registry.veto(ctx, seq);
        gas(OURS, "veto");
        vm.prank(CAROL);
        registry.freeze(ctx, 1 days);
        gas(OURS, "freeze");
        vm.prank(BOB);
        registry.bind(ctx, 1, new bytes(32), new bytes(64), inOneDay());
        gas(OURS, "bind an Ed25519 key");
    }

    // ---------------------------------------------------------------- beside Safe and Aragon

    function test_threeOfFiveHere() public {
        create(ALICE, keccak256("gas"), noDelays());
        uint256 all = gas(OURS, "create");
        ctx = registry.contextId(ALICE, keccak256("gas"));
        bytes memory four;
        for (uint256 i = 1; i < 5; i++) {
            four = bytes.concat(four, nominate(admin(i), 1 hours));
        }
        act(ALICE, four);
        all += gas(OURS, "nominate four");
        for (uint256 i = 1; i < 5; i++) {
            vm.prank(admin(i));
            registry.acceptAdmin(ctx);
            all += gas(OURS, "acceptAdmin");
        }
        act(ALICE, threshold(3));
        all += gas(OURS, "set threshold");
        vm.snapshotValue(OURS, "3 of 5: made, 7 transactions", all);

        bytes memory actions = membersRoot(ROOT, DELTA);
        uint64 seq = propose(ALICE, actions);
        all = gas(OURS, "3 of 5: proposed");
        approve(admin(1), seq, actions);
        all += below("3 of 5: approved by one", APPROVE_MAX);
        vm.prank(admin(2));
        registry.approveAndExecute(ctx, seq, actions);
        all += gas(OURS, "3 of 5: approved by the last and executed");
        vm.snapshotValue(OURS, "3 of 5: changed, 3 transactions", all);

        actions = membersRoot(DELTA, ROOT);
        seq = propose(ALICE, actions);
        approve(admin(1), seq, actions);
        approve(admin(2), seq, actions);
        below("3 of 5: approved by the last", APPROVE_MAX);
        registry.execute(ctx, seq, actions);
        below("3 of 5: executed", MEMBERS_MAX);

        actions = membersRoot(ROOT, DELTA);
        seq = propose(ALICE, actions);
        all = gas(OURS, "3 of 5: proposed");
        bytes32 digest = digestOf(seq, actions, inOneDay());
        hand(seq, actions, approvals(two(owner(1), owner(2)), digest));
        all += gas(OURS, "3 of 5: two approvals by signature");
        registry.execute(ctx, seq, actions);
        all += gas(OURS, "3 of 5: executed");
        vm.snapshotValue(OURS, "3 of 5: changed by signatures, 3 transactions", all);
    }

    function test_threeOfFiveInASafe() public {
        deploySafes();
        bytes memory setup = setupOfFive();
        ISafe safe = ISafe(safeFactory.createProxyWithNonce(safeSingleton, setup, 1));
        gas(SAFE, "3 of 5: made, 1 transaction");
        Root root = new Root(address(safe), ROOT);

        bytes memory data = change(ROOT, DELTA);
        bytes32 hash = transactionHash(safe, address(root), data);
        uint256 all;
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(vm.addr(owner(i)));
            safe.approveHash(hash);
            all += gas(SAFE, "3 of 5: approved by one");
        }
        vm.prank(vm.addr(owner(2)));
        execWith(safe, address(root), data, approvedByThree());
        all += gas(SAFE, "3 of 5: approved by the last and executed");
        vm.snapshotValue(SAFE, "3 of 5: changed, 3 transactions", all);

        data = change(DELTA, ROOT);
        hash = transactionHash(safe, address(root), data);
        bytes memory signatures = signedByThree(hash);
        execWith(safe, address(root), data, signatures);
        gas(SAFE, "3 of 5: changed by signatures, 1 transaction");
    }

    function test_threeOfFiveInAragon() public {
        Aragon aragon = new Aragon();
        address[] memory members = new address[](5);
        for (uint256 i = 0; i < 5; i++) {
            members[i] = admin(i);
        }
        (address dao, address made) = aragon.make(members, 3);
        gas(ARAGON, "3 of 5: made, 1 transaction");
        IMultisig multisig = IMultisig(made);
        Root root = new Root(dao, ROOT);
        vm.roll(block.number + 1);

        IDao.Action[] memory actions = new IDao.Action[](1);
        actions[0] = IDao.Action(address(root), 0, change(ROOT, DELTA));
        uint64 end = inOneDay();
        vm.prank(admin(0));
        uint256 id = multisig.createProposal("", actions, 0, true, false, 0, end);
        uint256 all = gas(ARAGON, "3 of 5: proposed");
        vm.prank(admin(1));
        multisig.approve(id, false);
        all += gas(ARAGON, "3 of 5: approved by one");
        vm.prank(admin(2));
        multisig.approve(id, true);
        all += gas(ARAGON, "3 of 5: approved by the last and executed");
        vm.snapshotValue(ARAGON, "3 of 5: changed, 3 transactions", all);

        actions[0].data = change(DELTA, ROOT);
        vm.prank(admin(0));
        id = multisig.createProposal("", actions, 0, true, false, 0, end);
        vm.prank(admin(1));
        multisig.approve(id, false);
        vm.prank(admin(2));
        multisig.approve(id, false);
        gas(ARAGON, "3 of 5: approved by the last");
        multisig.execute(id);
        gas(ARAGON, "3 of 5: executed");
    }

    // ---------------------------------------------------------------- parts

    function admin(uint256 index) private pure returns (address) {
        return index == 0 ? ALICE : vm.addr(owner(index));
    }

    function change(bytes32 previous, bytes32 next) private pure returns (bytes memory) {
        return abi.encodeCall(Root.set, (previous, next, 2, DELTA));
    }

    function gas(string memory group, string memory name) private returns (uint256) {
        return vm.snapshotGasLastCall(group, name);
    }

    function below(string memory name, uint256 max) private returns (uint256 used) {
        used = gas(OURS, name);
        vm.assertTrue(used <= max, name);
    }
}
