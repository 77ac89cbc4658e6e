import { describe, expect, it } from "vitest";
import { decodeHubFrame, encodeFrame } from "@ringcast/protocol";
import type { HubFrame } from "@ringcast/protocol";

describe("hub frames", () => {
  const partitions = { "0": { epoch: "e", next: 1, tail: 0, head: 1 } };
  const frames: HubFrame[] = [
    { op: "published", id: 1, topic: "t", partition: 0, epoch: "e", offset: 3, timestamp: 5 },
    { op: "subscribed", id: 1, subscription: 7, topic: "t", partitions },
    { op: "matched", subscription: 7, topic: "t", partitions },
    { op: "messages", subscription: 7, topic: "t", partition: 0, epoch: "e", next: 2, messages: [] },
    { op: "gap", subscription: 7, topic: "t", partition: 0, from: 1, to: 2, reason: "retention", epoch: "e", next: 3 },
    { op: "acked", id: "é" },
    { op: "pong", id: 1, time: 5 },
    { op: "draining", reconnectAfterMs: 10 },
    { op: "error", id: 1, code: "conflict", message: "no", details: { expected: 1 } },
  ];

  it.each(frames)("of $op come back as they went", (frame) => {
    expect(decodeHubFrame(new TextDecoder().decode(encodeFrame(frame)))).toEqual(frame);
  });

  it("of a later version are nothing to this one", () => {
    expect(decodeHubFrame('{"op":"assigned","subscription":7}')).toBeUndefined();
    expect(decodeHubFrame('{"op":"__proto__"}')).toBeUndefined();
  });

  it("with an error code of a later version are internal", () => {
    expect(decodeHubFrame('{"op":"error","code":"moved","message":"x"}')).toMatchObject({ code: "internal" });
  });

  it.each([
    "",
    "[]",
    "null",
    "{}",
    '{"op":1}',
    '{"op":"messages","subscription":7,"topic":"t","partition":0,"epoch":"e","next":-1,"messages":[]}',
    '{"op":"messages","subscription":7,"topic":"t","partition":0,"epoch":"e","next":1,"messages":[1]}',
    '{"op":"messages","subscription":7,"topic":"t","partition":0,"epoch":"e","next":1,"messages":[{"offset":0,"timestamp":0}]}',
    '{"op":"draining","reconnectAfterMs":"10"}',
  ])("like %s are refused", (text) => {
    expect(() => decodeHubFrame(text)).toThrow(expect.objectContaining({ code: "bad_frame" }));
  });
});
