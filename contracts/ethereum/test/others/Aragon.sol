// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {vm} from "../Vm.sol";

interface IDao {
    struct Action {
        address to;
        uint256 value;
        bytes data;
    }

    function initialize(bytes calldata, address owner, address forwarder, string calldata uri)
        external;
    function grant(address where, address who, bytes32 permission) external;
    function revoke(address where, address who, bytes32 permission) external;
}

interface IMultisig {
    struct Settings {
        bool onlyListed;
        uint16 minApprovals;
    }

    function initialize(address dao, address[] calldata members, Settings calldata) external;
    function createProposal(
        bytes calldata metadata,
        IDao.Action[] calldata actions,
        uint256 allowFailureMap,
        bool approveProposal,
        bool tryExecution,
        uint64 startDate,
        uint64 endDate
    ) external returns (uint256);
    function approve(uint256 proposal, bool tryExecution) external;
    function execute(uint256 proposal) external;
}

/// @notice A DAO of Aragon OSx 1.3 and its multisig plugin, as their makers built them.
/// @dev Without Aragon's factory and plugin set-up, which cost more: the two proxies, and the
/// plugin's permission to act for the DAO.
contract Aragon {
    address private daoBase;
    address private multisigBase;

    event Made(address dao, address multisig);

    constructor() {
        daoBase = vm.deployCode("out/aragon/DAO.json");
        multisigBase = vm.deployCode("out/aragon/Multisig.json");
    }

    function make(address[] calldata members, uint16 needed) external returns (address, address) {
        bytes memory start = abi.encodeCall(IDao.initialize, ("", address(this), address(0), ""));
        IDao dao = IDao(address(new ERC1967Proxy(daoBase, start)));
        bytes memory begin = abi.encodeCall(
            IMultisig.initialize, (address(dao), members, IMultisig.Settings(true, needed))
        );
        address multisig = address(new ERC1967Proxy(multisigBase, begin));
        dao.grant(address(dao), multisig, keccak256("EXECUTE_PERMISSION"));
        dao.grant(address(dao), address(dao), keccak256("ROOT_PERMISSION"));
        dao.revoke(address(dao), address(this), keccak256("ROOT_PERMISSION"));
        emit Made(address(dao), multisig);
        return (address(dao), multisig);
    }
}
