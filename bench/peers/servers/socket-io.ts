/** Socket.IO with its default parser and adapter: rooms for topics. Tuned as its page on performance says: WebSocket only, and the first request is let go of. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";

type Callback = () => void;

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  maxHttpBufferSize: 16 * 1024 * 1024,
});

io.engine.on("connection", (socket: { request: unknown }) => {
  socket.request = null;
});

io.on("connection", (socket) => {
  socket.on("s", async (topic: string, done: Callback) => {
    await socket.join(topic);
    done();
  });
  socket.on("u", async (topic: string, done: Callback) => {
    await socket.leave(topic);
    done();
  });
  socket.on("p", (topic: string, ...payloads: string[]) => {
    for (const payload of payloads) io.to(topic).emit("m", topic, payload);
  });
  // Acknowledged, and nothing done with it.
  socket.on("e", (...args: [...string[], Callback]) => (args.at(-1) as Callback)());
});

http.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 }, () => {
  console.log(`port ${(http.address() as AddressInfo).port}`);
});
