// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {vm} from "../Vm.sol";

interface ISafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address payable paymentReceiver
    ) external;
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures
    ) external returns (bool);
    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce
    ) external view returns (bytes32);
    function approveHash(bytes32 hash) external;
    function nonce() external view returns (uint256);
    function domainSeparator() external view returns (bytes32);
    function VERSION() external view returns (string memory);
}

interface ISafeProxyFactory {
    function createProxyWithNonce(address singleton, bytes calldata initializer, uint256 salt)
        external
        returns (address);
}

/// @notice Safe 1.5 as its makers built it: singleton, proxies, fallback handler; three of five.
abstract contract Safes {
    string private constant BUILT =
        "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts/";
    bytes32 private constant MESSAGE_TYPE = keccak256("SafeMessage(bytes message)");

    ISafeProxyFactory internal safeFactory;
    address internal safeSingleton;
    address internal safeHandler;

    function deploySafes() internal {
        safeSingleton = built("Safe.sol/Safe.json");
        string memory factory = "proxies/SafeProxyFactory.sol/SafeProxyFactory.json";
        safeFactory = ISafeProxyFactory(built(factory));
        safeHandler =
            built("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json");
    }

    function newSafe() internal returns (ISafe) {
        bytes memory setup = setupOfFive();
        return ISafe(safeFactory.createProxyWithNonce(safeSingleton, setup, 1));
    }

    function setupOfFive() internal view returns (bytes memory) {
        address[] memory owners = new address[](5);
        for (uint256 i = 0; i < 5; i++) {
            owners[i] = vm.addr(owner(i));
        }
        address none = address(0);
        return
            abi.encodeCall(ISafe.setup, (owners, 3, none, "", safeHandler, none, 0, payable(none)));
    }

    /// @dev Secrets whose accounts ascend, as Safe wants signatures.
    function owner(uint256 index) internal pure returns (uint256) {
        uint256[5] memory secrets = [uint256(0x5AFE1), 0x5AFE2, 0x5AFE3, 0x5AFE4, 0x5AFE5];
        for (uint256 i = 1; i < 5; i++) {
            for (uint256 j = i; j > 0 && vm.addr(secrets[j]) < vm.addr(secrets[j - 1]); j--) {
                (secrets[j], secrets[j - 1]) = (secrets[j - 1], secrets[j]);
            }
        }
        return secrets[index];
    }

    /// @dev Three owners sign; anybody hands it in.
    function exec(ISafe safe, address to, bytes memory data) internal returns (bool) {
        bytes memory signatures = signedByThree(transactionHash(safe, to, data));
        return execWith(safe, to, data, signatures);
    }

    function execWith(ISafe safe, address to, bytes memory data, bytes memory signatures)
        internal
        returns (bool)
    {
        address payable none = payable(address(0));
        return safe.execTransaction(to, 0, data, 0, 0, 0, 0, none, none, signatures);
    }

    function transactionHash(ISafe safe, address to, bytes memory data)
        internal
        view
        returns (bytes32)
    {
        return
            safe.getTransactionHash(to, 0, data, 0, 0, 0, 0, address(0), address(0), safe.nonce());
    }

    /// @dev What owners sign so that the Safe answers yes to `digest` by ERC-1271.
    function messageHash(ISafe safe, bytes32 digest) internal view returns (bytes32) {
        bytes32 message = keccak256(abi.encode(MESSAGE_TYPE, keccak256(abi.encode(digest))));
        return keccak256(abi.encodePacked(hex"1901", safe.domainSeparator(), message));
    }

    function signedByThree(bytes32 hash) internal pure returns (bytes memory signatures) {
        for (uint256 i = 0; i < 3; i++) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(owner(i), hash);
            signatures = abi.encodePacked(signatures, r, s, v);
        }
    }

    /// @dev Of owners that approved the hash by a transaction each.
    function approvedByThree() internal pure returns (bytes memory signatures) {
        for (uint256 i = 0; i < 3; i++) {
            bytes32 who = bytes32(uint256(uint160(vm.addr(owner(i)))));
            signatures = abi.encodePacked(signatures, who, bytes32(0), uint8(1));
        }
    }

    function built(string memory name) private returns (address made) {
        string memory json = vm.readFile(string.concat(BUILT, name));
        bytes memory code = vm.parseJsonBytes(json, ".bytecode");
        assembly {
            made := create(0, add(code, 32), mload(code))
        }
        require(made != address(0), name);
    }
}
