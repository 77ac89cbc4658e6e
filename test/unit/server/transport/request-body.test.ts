import { describe, expect, it } from "vitest";
import { RequestBody } from "../../../../server/src/transport/request-body.js";

const LATE_MS = 10_000;

describe("RequestBody", () => {
  it("joins its pieces, those that came before somebody asked too", async () => {
    const body = new RequestBody(6);
    body.add(Buffer.from("ab"));
    const whole = body.read(6, LATE_MS);
    body.add(Buffer.from("cd"));
    expect(body.missingBytes).toBe(2);
    body.add(Buffer.from("ef"));
    body.complete();
    expect(Buffer.from(await whole).toString()).toBe("abcdef");
    expect(body.missingBytes).toBe(0);
  });

  it("is there at once when nothing was announced", async () => {
    expect(await new RequestBody(0).read(0, LATE_MS)).toHaveLength(0);
  });

  it("is refused by its announcement before a byte has come", async () => {
    await expect(new RequestBody(11).read(10, LATE_MS)).rejects.toMatchObject({ code: "too_large" });
  });

  it("is refused one byte past the limit when it comes in chunks", async () => {
    const body = new RequestBody(undefined);
    const whole = body.read(10, LATE_MS);
    body.add(Buffer.alloc(10));
    expect(body.isWanted).toBe(true);
    body.add(Buffer.alloc(1));
    await expect(whole).rejects.toMatchObject({ code: "too_large" });
    expect(body.isWanted).toBe(false);
  });

  it("is refused when it is late, and when it is cut off", async () => {
    await expect(new RequestBody(1).read(1, 1)).rejects.toThrow("Send the whole body within 1 ms.");
    const body = new RequestBody(1);
    body.cutOff();
    await expect(body.read(1, LATE_MS)).rejects.toMatchObject({ code: "bad_request" });
  });
});
