/**
 * A server that does as little as can be done: it answers handshake and subscribe of the binary dialect, and then
 * writes ready-made frames of many records as fast as each
 * socket takes them. What a load generator reads from it is what the generator can read. Started with `fork`; tells its
 * port, and frames begin when any message comes.
 */
import { createServer, type Socket } from "node:net";
import { encodeMsgpack, encodeRecords, ByteWriter, writeDeliveryHead } from "@ringcast/protocol";

const FRAME_RECORDS = 350;
const RECORD_BYTES = 128;
const ANSWER = Buffer.from(
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Protocol: ringcast.v1.msgpack\r\n\r\n",
);
const HANDSHAKE_END = "\r\n\r\n";

const sockets = new Set<Socket>();
const delivery = makeDelivery();
let isSending = false;

const server = createServer({ noDelay: true }, (socket) => {
  let hasShaken = false;
  socket.on("error", () => undefined);
  socket.on("close", () => sockets.delete(socket));
  socket.on("drain", () => send(socket));
  socket.on("data", (bytes) => {
    if (!hasShaken) {
      hasShaken = bytes.includes(HANDSHAKE_END);
      socket.write(Buffer.concat([ANSWER, frame(encodeMsgpack({ op: "welcome" }))]));
      return;
    }
    if (sockets.has(socket) || !bytes.includes("subscribe")) return;
    const partitions = { 0: { epoch: "k7Qx", next: 0, tail: 0, head: 0 } };
    socket.write(frame(encodeMsgpack({ op: "subscribed", id: 1, subscription: 1, topic: "bench.raw", partitions })));
    sockets.add(socket);
    if (isSending) send(socket);
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.({ port: address.port });
});
process.on("message", () => {
  isSending = true;
  for (const socket of sockets) send(socket);
});

function send(socket: Socket): void {
  while (!socket.destroyed && socket.write(delivery));
}

function makeDelivery(): Buffer {
  const data = new Uint8Array(RECORD_BYTES).fill(0x30);
  const message = { contentType: 0, key: undefined, headers: new Uint8Array(0), data };
  const records = encodeRecords(Array.from({ length: FRAME_RECORDS }, () => message));
  const writer = new ByteWriter();
  const count = FRAME_RECORDS;
  writeDeliveryHead(writer, { subscription: 1, topic: "bench.raw", partition: 0, epoch: "k7Qx", next: count, count });
  writer.copy(records);
  return frame(writer.take());
}

function frame(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 0x1_0000 ? 4 : 10);
  head[0] = 0x82;
  if (head.length === 2) head[1] = payload.length;
  else if (head.length === 4) head.writeUInt16BE(payload.length, 2);
  else head.writeBigUInt64BE(BigInt(payload.length), 2);
  if (head.length > 2) head[1] = head.length === 4 ? 126 : 127;
  return Buffer.concat([head, payload]);
}
