/** A broadcast server as one writes it with `ws`: a set of sockets for each topic, one send for each of them. Beside it, a POST handler of node:http. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { ANSWER, BATCH, ECHO, forEachOfBatch, PUBLISH, SUBSCRIBE, topicOf, UNSUBSCRIBE } from "../raw-frames.js";

const CREATED = '{"stored":true}';
const BINARY = { binary: true };
const ANSWERS = new Map([ANSWER, SUBSCRIBE, UNSUBSCRIBE].map((byte) => [byte, Buffer.of(byte)]));

const subscribers = new Map<string, Set<WebSocket>>();

const http = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    response.writeHead(201, { "Content-Type": "application/json", "Content-Length": CREATED.length });
    response.end(CREATED);
  });
});
http.keepAliveTimeout = 0;

const server = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false });
server.on("connection", (socket) => {
  const topics = new Set<string>();
  socket.on("message", (frame: Buffer) => take(socket, topics, frame));
  socket.on("close", () => topics.forEach((topic) => subscribers.get(topic)?.delete(socket)));
  // A reset: `close` follows.
  socket.on("error", () => undefined);
});

function take(socket: WebSocket, topics: Set<string>, frame: Buffer): void {
  switch (frame[0]) {
    case ECHO:
      socket.send(ANSWERS.get(ANSWER)!, BINARY);
      break;
    case PUBLISH:
      publish(topicOf(frame), frame);
      break;
    case BATCH:
      forEachOfBatch(frame, (single) => publish(topicOf(frame), single));
      break;
    case SUBSCRIBE:
      topics.add(topicOf(frame));
      subscribersOf(topicOf(frame)).add(socket);
      socket.send(ANSWERS.get(SUBSCRIBE)!, BINARY);
      break;
    case UNSUBSCRIBE:
      topics.delete(topicOf(frame));
      subscribersOf(topicOf(frame)).delete(socket);
      socket.send(ANSWERS.get(UNSUBSCRIBE)!, BINARY);
      break;
    default:
      socket.close(1002);
  }
}

function publish(topic: string, frame: Buffer): void {
  for (const subscriber of subscribersOf(topic)) subscriber.send(frame, BINARY);
}

function subscribersOf(topic: string): Set<WebSocket> {
  let sockets = subscribers.get(topic);
  if (sockets === undefined) subscribers.set(topic, (sockets = new Set()));
  return sockets;
}

http.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 }, () => {
  console.log(`port ${(http.address() as AddressInfo).port}`);
});
