// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A contract account that answers ERC-1271 as it was told to.
contract Wallet {
    bytes4 internal constant MAGIC = 0x1626ba7e;

    enum Answer {
        Yes,
        No,
        Reverts,
        RevertsWithYes,
        Nothing,
        FourBytes,
        RightAligned,
        True,
        Dirty,
        LongNo,
        LongYes,
        Bomb,
        Burns,
        Reenters,
        Flips
    }

    Answer internal answer;
    address internal target;
    bytes internal data;

    function says(Answer answer_) external {
        answer = answer_;
    }

    function reenters(address target_, bytes calldata data_) external {
        (answer, target, data) = (Answer.Reenters, target_, data_);
    }

    function call(address to, bytes calldata data_) external returns (bytes memory) {
        (bool ok, bytes memory result) = to.call(data_);
        require(ok, "refused");
        return result;
    }

    function isValidSignature(bytes32, bytes calldata) external {
        if (answer == Answer.Yes) give(abi.encode(MAGIC));
        if (answer == Answer.No) give(abi.encode(bytes4(0xffffffff)));
        if (answer == Answer.Reverts) revert("no");
        if (answer == Answer.RevertsWithYes) refuse(abi.encode(MAGIC));
        if (answer == Answer.Nothing) give("");
        if (answer == Answer.FourBytes) give(abi.encodePacked(MAGIC));
        if (answer == Answer.RightAligned) give(abi.encode(uint256(uint32(MAGIC))));
        if (answer == Answer.True) give(abi.encode(true));
        if (answer == Answer.Dirty) give(abi.encode(uint256(bytes32(MAGIC)) | 1));
        if (answer == Answer.LongNo) give(abi.encode(1, MAGIC));
        if (answer == Answer.LongYes) give(bytes.concat(abi.encode(MAGIC), new bytes(4096)));
        if (answer == Answer.Bomb) give(new bytes(1 << 20));
        if (answer == Answer.Flips) give(abi.encode(block.timestamp % 2 == 0 ? MAGIC : bytes4(0)));
        if (answer == Answer.Reenters) {
            (bool ok,) = target.call(data);
            if (ok) give(abi.encode(MAGIC));
        }
        if (answer == Answer.Burns) {
            while (true) {}
        }
        give(abi.encode(bytes4(0)));
    }

    function give(bytes memory out) private pure {
        assembly {
            return(add(out, 32), mload(out))
        }
    }

    function refuse(bytes memory out) private pure {
        assembly {
            revert(add(out, 32), mload(out))
        }
    }
}
