// Signs typed data as a wallet does. Reads one JSON object {url, account, secret, message} and
// writes {signature: [felts], hash}.
import { text } from 'node:stream/consumers';
import { Account, RpcProvider, stark } from 'starknet';

const { url, account, secret, message } = JSON.parse(await text(process.stdin));
const signer = new Account({
  provider: new RpcProvider({ nodeUrl: url }),
  address: account,
  signer: secret,
});
const typedData = JSON.parse(message);
const signature = stark.formatSignature(await signer.signMessage(typedData));
const hash = await signer.hashMessage(typedData);
process.stdout.write(JSON.stringify({ signature, hash }) + '\n');
