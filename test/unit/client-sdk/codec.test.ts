import { jsonCodec } from "@ringcast/client/json";
import { describe, expect, it } from "vitest";

const encoded = (data: unknown) => jsonCodec.encode({ op: "publish", id: 1 }, jsonCodec.encodeBody({ data })) as string;
const decoded = (dataJson: string) => {
  const frame = jsonCodec.decode(`{"op":"messages","messages":[{"offset":0,"timestamp":1,"data":${dataJson}}]}`);
  return frame !== undefined && "messages" in frame ? frame.messages[0]?.data : undefined;
};

describe("the JSON codec", () => {
  it("joins the request and the user's part to one frame", () => {
    expect(JSON.parse(encoded({ a: 1 }))).toEqual({ op: "publish", id: 1, data: { a: 1 } });
  });

  it.each([
    ["whole", Uint8Array.of(1, 2, 255)],
    ["empty", new Uint8Array(0)],
    ["nested", { a: [Uint8Array.of(7)], b: {} }],
    ["beside a date", { at: "x", b: Uint8Array.of(0) }],
  ])("brings bytes through: %s", (_, data) => {
    expect(decoded(JSON.stringify((JSON.parse(encoded(data)) as { data: unknown }).data))).toEqual(data);
  });

  it("takes a Buffer for bytes, and leaves what knows its own JSON alone", () => {
    expect(encoded({ b: Buffer.from([1]), at: new Date(0) })).toContain(
      '{"b":{"$bytes":"AQ=="},"at":"1970-01-01T00:00:00.000Z"}',
    );
  });

  it.each(['{"$bytes":"%%%"}', '{"$bytes":1}', '{"$bytes":"AQ==","x":1}', "{}", '{"0":1}', '"$bytes"', "null"])(
    "leaves what only looks like bytes as it came: %s",
    (json) => expect(decoded(json)).toEqual(JSON.parse(json)),
  );

  it("changes no prototype", () => {
    const data = decoded('{"__proto__":{"admin":true},"b":{"$bytes":"AQ=="}}');
    expect((data as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.hasOwn(data as object, "__proto__")).toBe(true);
  });
});
