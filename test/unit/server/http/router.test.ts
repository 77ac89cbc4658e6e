import { describe, expect, it } from "vitest";
import { Router, type Route } from "../../../../server/src/http/router.js";

const answer = { status: 200 };
const route = (method: Route["method"], path: string, open?: true): Route => ({
  method,
  path,
  ...(open === undefined ? {} : { open }),
  handle: () => answer,
});

describe("Router", () => {
  it("finds each method of a path, again and again", () => {
    const get = route("GET", "/topics/:topic");
    const put = route("PUT", "/topics/:topic");
    const router = new Router([get, put]);
    for (let time = 0; time < 2; time++) {
      expect(router.find("GET", "/topics/a%2Fb")).toEqual({ route: get, params: { topic: "a/b" } });
      expect(router.find("HEAD", "/topics/a%2Fb").route).toBe(get);
      expect(router.find("PUT", "/topics/c")).toEqual({ route: put, params: { topic: "c" } });
      expect(() => router.find("DELETE", "/topics/c")).toThrow("it has GET, HEAD, PUT, OPTIONS");
      expect(() => router.find("GET", "/topic")).toThrow("There is nothing at");
    }
  });

  it("finds more paths than it remembers", () => {
    const router = new Router([route("POST", "/topics/:topic")]);
    for (let count = 0; count < 5_000; count++) {
      expect(router.find("POST", `/topics/t${count}`).params).toEqual({ topic: `t${count}` });
    }
    expect(router.find("POST", "/topics/t0").params).toEqual({ topic: "t0" });
  });

  it("tells what is open to everybody: a path whose every method is", () => {
    const router = new Router([
      route("GET", "/open", true),
      route("GET", "/half", true),
      route("POST", "/half"),
      route("GET", "/closed"),
    ]);
    expect(["/open", "/half", "/closed", "/none"].map((path) => router.isOpen(path))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
