// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Vm, vm} from "./Vm.sol";

/// @notice Replays the golden traces of `contracts/vectors`, which all chains share.
/// @dev A file is parsed anew by every cheat, so each field is taken out of it once for all steps
/// of all traces. Each file is played in a frame of its own, which frees the memory.
contract TracesTest {
    string private constant FOLDER = "../vectors";

    struct Step {
        uint256 time;
        address by;
        bytes wire;
        string code;
        string[] events;
        bytes32 head;
    }

    struct Refusal {
        string code;
    }

    struct Success {
        string[] events;
        bytes32 head;
    }

    IRegistry private registry;
    mapping(bytes32 name => address) private accounts;
    mapping(bytes4 selector => string) private errors;
    mapping(bytes32 topic => string) private events;

    function setUp() public {
        string[56] memory names = [
            "E01_Exists()",
            "E03_BadTerms()",
            "E10_NotActive()",
            "E11_Frozen()",
            "E12_NotAdmin()",
            "E13_TooManyOpenByProposer()",
            "E14_TooManyOpen()",
            "E15_BadExpiry()",
            "E16_BadActions()",
            "E17_Reserved(uint8)",
            "E20_NotOpen()",
            "E21_Expired()",
            "E22_OtherActions()",
            "E23_ApproverNotAdmin()",
            "E24_SeatedLater()",
            "E25_AlreadyApproved()",
            "E26_BadSignature()",
            "E27_NotApproved()",
            "E30_NotProposer()",
            "E31_NotGuardian()",
            "E40_OtherActions()",
            "E41_NotQueued()",
            "E42_TooEarly()",
            "E43_Expired()",
            "E44_Frozen()",
            "E46_TooFewApprovals()",
            "E48_NotExpired()",
            "E50_NotNominated()",
            "E51_AlreadyAdmin()",
            "E52_NoFreeSeat()",
            "E53_LastAdmin()",
            "E54_RemovalRefused()",
            "E55_BadThreshold()",
            "E56_BadDelay()",
            "E57_StaleRoot(bytes32)",
            "E58_NomineeIsAdmin()",
            "E59_BadTtl()",
            "E60_BadBinding()",
            "E70_NoClaims()",
            "E71_NotInvited()",
            "E72_InviteExpired()",
            "E73_BadInviteSignature()",
            "E74_InviteUsed()",
            "E80_FreezeRefused()",
            "Rev(bytes32,uint64,uint8,bytes,bytes32)",
            "Proposed(bytes32,uint64,address,bytes,uint64)",
            "Approved(bytes32,uint64,address)",
            "Unapproved(bytes32,uint64,address)",
            "Queued(bytes32,uint64,uint64)",
            "Executed(bytes32,uint64,address)",
            "Canceled(bytes32,uint64,address)",
            "Vetoed(bytes32,uint64,address)",
            "Expired(bytes32,uint64)",
            "Bound(bytes32,address,uint8,bytes,bytes,uint64)",
            "Unbound(bytes32,address,bytes)",
            "Claimed(bytes32,address,bytes,bytes32,uint32)"
        ];
        for (uint256 i = 0; i < names.length; i++) {
            bytes memory name = bytes(names[i]);
            bytes32 topic = keccak256(name);
            if (name[0] == "E" && name[1] >= "0" && name[1] <= "9") {
                errors[bytes4(topic)] = upTo(name, "_");
            } else {
                events[topic] = upTo(name, "(");
            }
        }
    }

    function test_everyTraceHoldsOnThisChain() public {
        Vm.DirEntry[] memory files = vm.readDir(FOLDER);
        uint256 played;
        for (uint256 i = 0; i < files.length; i++) {
            if (endsWith(files[i].path, ".json")) played += this.play(files[i].path);
        }
        vm.assertTrue(played != 0, "contracts/vectors holds no trace");
    }

    // ---------------------------------------------------------------- one file

    function play(string calldata path) external returns (uint256 count) {
        string memory json = vm.readFile(path);
        vm.assertEq(vm.parseJsonUint(json, ".format"), 1, path);
        place(
            vm.parseJsonString(json, ".profile.eip155.chain"),
            vm.parseJsonAddress(json, ".profile.eip155.registry")
        );
        knowAccounts(json);
        bytes[] memory logHeads = words(json, ".traces[*].log_head.eip155");
        count = logHeads.length;
        bytes[] memory contexts = words(json, ".traces[*].context.eip155");
        bytes[] memory names = values(json, ".traces[*].name", count);
        bytes[] memory lengths = values(json, ".traces[*].steps", count);
        Step[] memory steps = stepsOf(json);
        vm.warp(vm.parseJsonUint(json, ".profile.eip155.start_s"));
        uint256 empty = vm.snapshotState();
        uint256 next;
        for (uint256 i = 0; i < count; i++) {
            bytes32 ctx = bytes32(contexts[i]);
            string memory where = string.concat(path, ": ", abi.decode(names[i], (string)));
            uint256 length = word(lengths[i], 1);
            for (uint256 j = 0; j < length; j++) {
                take(string.concat(where, ", step ", vm.toString(j)), ctx, steps[next++]);
            }
            (, bytes32 logged) = registry.head(ctx);
            vm.assertEq(logged, bytes32(logHeads[i]), string.concat(where, ", log head"));
            vm.revertToState(empty);
        }
        vm.assertEq(next, steps.length, path);
    }

    /// @dev Runs the creation code where the registry belongs, since it writes its address down.
    function place(string memory chain, address account) private {
        bytes memory digits = bytes(chain);
        vm.assertTrue(vm.contains(chain, "eip155:"), "another chain's profile");
        bytes memory id = new bytes(digits.length - 7);
        for (uint256 i = 0; i < id.length; i++) {
            id[i] = digits[i + 7];
        }
        vm.chainId(vm.parseUint(string(id)));
        vm.etch(account, vm.getCode("out/Registry.sol/Registry.json"));
        (bool ok, bytes memory runtime) = account.call("");
        vm.assertTrue(ok, "the constructor failed");
        vm.etch(account, runtime);
        registry = IRegistry(account);
    }

    function knowAccounts(string memory json) private {
        string[] memory names = vm.parseJsonKeys(json, ".accounts");
        for (uint256 i = 0; i < names.length; i++) {
            string memory path = string.concat(".accounts.", names[i], ".eip155");
            accounts[keccak256(bytes(names[i]))] = vm.parseJsonAddress(json, path);
        }
    }

    // ---------------------------------------------------------------- one step

    function take(string memory where, bytes32 ctx, Step memory step) private {
        (uint256 before,) = registry.head(ctx);
        vm.warp(step.time);
        vm.recordLogs();
        vm.prank(step.by);
        (bool ok, bytes memory result) = address(registry).call(step.wire);
        (uint256 head,) = registry.head(ctx);
        string memory code = ok ? "" : errors[bytes4(result)];
        vm.assertEq(code, step.code, where);
        if (!ok) {
            vm.assertTrue(bytes(code).length != 0, string.concat(where, ": no error of ours"));
            vm.assertEq(head, before, where);
            return;
        }
        vm.assertEq(bytes32(head), step.head, where);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, step.events.length, where);
        for (uint256 i = 0; i < logs.length; i++) {
            vm.assertTrue(logs[i].emitter == address(registry), where);
            vm.assertEq(events[logs[i].topics[0]], step.events[i], where);
        }
    }

    // ---------------------------------------------------------------- out of JSON

    /// @dev All steps of all traces, one after the other.
    function stepsOf(string memory json) private view returns (Step[] memory steps) {
        bytes[] memory times = words(json, ".traces[*].steps[*].at_s");
        uint256 count = times.length;
        bytes[] memory by = values(json, ".traces[*].steps[*].by", count);
        bytes[] memory wires = values(json, ".traces[*].steps[*].wire.eip155", count);
        bytes[] memory expected = values(json, ".traces[*].steps[*].expect", count);
        steps = new Step[](count);
        for (uint256 i = 0; i < count; i++) {
            Step memory step = steps[i];
            step.time = uint256(bytes32(times[i]));
            step.by = accounts[keccak256(bytes(abi.decode(by[i], (string))))];
            vm.assertTrue(step.by != address(0), "an account without a name");
            step.wire = abi.decode(wires[i], (bytes));
            // The first word of a struct says how long its fixed part is.
            if (word(expected[i], 1) == 32) {
                step.code = abi.decode(expected[i], (Refusal)).code;
            } else {
                Success memory success = abi.decode(expected[i], (Success));
                (step.events, step.head) = (success.events, success.head);
            }
        }
    }

    /// @dev What is found at a path with stars, in the order of the file. The cheat encodes an
    /// array, but of a single find only the find.
    function words(string memory json, string memory path)
        private
        pure
        returns (bytes[] memory list)
    {
        bytes memory found = vm.parseJson(json, path);
        if (found.length == 32) return single(found);
        list = new bytes[](word(found, 1));
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = abi.encode(word(found, 2 + i));
        }
    }

    /// @dev The same for values of any length; each is encoded as if alone.
    function values(string memory json, string memory path, uint256 count)
        private
        pure
        returns (bytes[] memory list)
    {
        bytes memory found = vm.parseJson(json, path);
        if (count == 1) return single(found);
        list = new bytes[](word(found, 1));
        vm.assertEq(list.length, count, path);
        for (uint256 i = 0; i < count; i++) {
            uint256 start = 64 + word(found, 2 + i);
            uint256 end = i + 1 < count ? 64 + word(found, 3 + i) : found.length;
            bytes memory value = new bytes(32 + end - start);
            assembly ("memory-safe") {
                mstore(add(value, 32), 32)
                mcopy(add(value, 64), add(add(found, 32), start), sub(end, start))
            }
            list[i] = value;
        }
    }

    function single(bytes memory value) private pure returns (bytes[] memory list) {
        list = new bytes[](1);
        list[0] = value;
    }

    function word(bytes memory data, uint256 index) private pure returns (uint256 value) {
        require(data.length >= 32 * (index + 1), "no such word");
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), mul(index, 32)))
        }
    }

    function upTo(bytes memory text, bytes1 end) private pure returns (string memory) {
        uint256 length;
        while (length < text.length && text[length] != end) length++;
        bytes memory part = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            part[i] = text[i];
        }
        return string(part);
    }

    function endsWith(string memory text, bytes memory end) private pure returns (bool) {
        bytes memory data = bytes(text);
        if (data.length < end.length) return false;
        for (uint256 i = 0; i < end.length; i++) {
            if (data[data.length - end.length + i] != end[i]) return false;
        }
        return true;
    }
}
