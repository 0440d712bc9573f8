// The counting handler of burst.py on the official TypeScript SDK, whose built package MEZON_TYPESCRIPT names.
"use strict";

const { MezonClient } = require(process.env.MEZON_TYPESCRIPT);

const OPTIONS = JSON.parse(process.argv[process.argv.length - 1]);
const WARM = OPTIONS.warm;
const TOTAL = WARM + OPTIONS.n;

const tell = (values) => process.stdout.write(`@${JSON.stringify(values)}\n`);
// CLOCK_MONOTONIC in seconds, as Python's time.monotonic().
const now = () => Number(process.hrtime.bigint()) / 1e9;
const cpu = () => {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
};

let received = 0;
let disorder = 0;
let before = 0;
const last = new Map();

async function take(message) {
  const number = BigInt(message.message_id);
  if ((last.get(message.channel_id) ?? 0n) >= number) disorder += 1;
  last.set(message.channel_id, number);
  received += 1;
  if (received === WARM) {
    // The bursts were built before: their ids start again.
    last.clear();
    disorder = 0;
    setTimeout(() => {
      before = cpu();
      tell({ ready: true });
    }, OPTIONS.settle * 1000);
  } else if (received === TOTAL) {
    const done = now();
    tell({ done });
    tell({ done, cpu: cpu() - before, disorder });
    setTimeout(() => process.exit(0), 100);
  }
}

const client = new MezonClient({
  botId: process.env.MEZON_BOT_ID,
  token: process.env.MEZON_API_KEY,
  host: process.env.MEZON_HOST,
  port: process.env.MEZON_PORT,
  useSSL: false,
  mmnApiUrl: process.env.MEZON_MMN_API_URL,
  zkApiUrl: process.env.MEZON_ZK_API_URL,
  agentEventUrl: "",
});
client.onChannelMessage(take);
client.login().then(
  () => tell({ online: true }),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
