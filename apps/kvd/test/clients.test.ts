// Clients that were written for etcd, unchanged, against kvd: Debian's etcdctl and python3-etcd.

import { describe, expect, test } from "vitest";
import { get } from "./harness/keys.ts";
import { startSingle } from "./harness/member.ts";
import { isInstalled, outputOf } from "./harness/programs.ts";

const PYTHON = "/usr/bin/python3";
const V2 = { ETCDCTL_API: "2" };

describe.skipIf(!isInstalled("etcdctl", ["--help"]))("etcdctl", () => {
  test("set, get, ls, mkdir, update, rm and member list do what they say", async () => {
    await using server = await startSingle();
    const ctl = (...words: string[]) => outputOf("etcdctl", ["--endpoints", server.clientUrl, ...words], V2);

    expect(await ctl("set", "/app/color", "blue")).toBe("blue\n");
    expect(await ctl("get", "/app/color")).toBe("blue\n");
    expect((await get(server.clientUrl, "/app/color")).value).toBe("blue");
    expect(await ctl("mkdir", "/app/empty")).toBe("");
    expect(await ctl("ls", "--sort", "--recursive", "/app")).toBe("/app/color\n/app/empty\n");
    expect(await ctl("update", "/app/color", "red")).toBe("red\n");
    expect(await ctl("set", "--swap-with-value", "red", "/app/color", "green")).toBe("green\n");
    expect(await ctl("rm", "--recursive", "/app")).toBe("");
    await expect(ctl("get", "/app/color")).rejects.toMatchObject({ code: 4, stderr: /Key not found/ });
    expect(await ctl("member", "list")).toMatch(
      new RegExp(`name=single peerURLs=${server.peerUrl} clientURLs=${server.clientUrl} isLeader=true`),
    );
    expect(await ctl("cluster-health")).toContain("cluster is healthy");
  });

  test("users, roles and auth enable do what they say", async () => {
    await using server = await startSingle();
    const ctl = (...words: string[]) => outputOf("etcdctl", ["--endpoints", server.clientUrl, ...words], V2);
    const asRoot = (...words: string[]) => ctl("-u", "root:rootpw", ...words);
    const asAlice = (...words: string[]) => ctl("-u", "alice:alicepw", ...words);

    expect(await ctl("user", "add", "root:rootpw")).toBe("User root created\n");
    expect(await ctl("user", "add", "alice:alicepw")).toBe("User alice created\n");
    expect(await ctl("role", "add", "reader")).toBe("Role reader created\n");
    expect(await ctl("role", "grant", "reader", "--path", "/pub/*", "--read")).toBe("Role reader updated\n");
    expect(await ctl("user", "grant", "alice", "--roles", "reader")).toBe("User alice updated\n");
    expect(await ctl("auth", "enable")).toBe("Authentication Enabled\n");
    expect(await asRoot("role", "revoke", "guest", "--path", "/*", "--readwrite")).toBe(
      "Role guest updated\n",
    );

    expect(await asRoot("set", "/pub/a", "1")).toBe("1\n");
    expect(await asAlice("get", "/pub/a")).toBe("1\n");
    const refused = { code: 4, stderr: /110: The request requires user authentication/ };
    await expect(asAlice("set", "/pub/a", "2")).rejects.toMatchObject(refused);
    await expect(ctl("get", "/pub/a")).rejects.toMatchObject(refused);
    await expect(ctl("-u", "root:wrong", "get", "/pub/a")).rejects.toMatchObject(refused);
    await expect(asAlice("user", "list")).rejects.toMatchObject({ stderr: /Insufficient credentials/ });
    expect(await asRoot("user", "list")).toBe("alice\nroot\n");
    expect(await asRoot("user", "get", "alice")).toMatch(/^User: alice\nRoles: +reader\n$/);
    expect(await asRoot("role", "get", "reader")).toBe("Role: reader\nKV Read:\n\t/pub/*\nKV Write:\n");
    expect(await asRoot("auth", "disable")).toBe("Authentication Disabled\n");
    expect(await ctl("get", "/pub/a")).toBe("1\n");
  });

  // In this order, with what etcdctl says to etcd 3.4.23; a string is its standard output, a pattern its failure.
  const REST: readonly [command: string, says: string | RegExp][] = [
    ["mk /k 1", "1\n"],
    ["mk /k 2", /^Error: {2}105: Key already exists \(\/k\) \[\d+\]\n$/],
    ["mk --in-order /q a", "a\n"],
    ["get --quorum /k", "1\n"],
    ["setdir /d", ""],
    ["updatedir --ttl 100 /d", ""],
    ["updatedir --ttl 100 /missing", /^Error: {2}100: Key not found \(\/missing\) \[\d+\]\n$/],
    ["mkdir /d", /^Error: {2}105: Key already exists \(\/d\) \[\d+\]\n$/],
    ["rmdir /d", ""],
    ["rmdir /q", /^Error: {2}108: Directory not empty \(\/q\) \[\d+\]\n$/],
    ["ls -p /", "/k\n/q/\n"],
    ["rm --with-value x /k", /^Error: {2}101: Compare failed \(\[x != 1\]\) \[\d+\]\n$/],
    ["rm --with-index 1 /k", /^Error: {2}101: Compare failed \(\[1 != \d+\]\) \[\d+\]\n$/],
    ["rm /k", "PrevNode.Value: 1\n"],
    ["user add u1:p", "User u1 created\n"],
    ["role add r1", "Role r1 created\n"],
    ["user grant u1 --roles r1", "User u1 updated\n"],
    ["user revoke u1 --roles r1", "User u1 updated\n"],
    ["user get u1", "User: u1\nRoles: \n"],
    ["user remove u1", "User u1 removed\n"],
    ["role remove r1", "Role r1 removed\n"],
    ["role list", "root\n"],
  ];

  test("the other commands do what they say", async () => {
    await using server = await startSingle();
    const ctl = (...words: string[]) => outputOf("etcdctl", ["--endpoints", server.clientUrl, ...words], V2);

    for (const [command, says] of REST) {
      const said = ctl(...command.split(" "));
      if (typeof says === "string") expect(await said, command).toBe(says);
      else await expect(said, command).rejects.toMatchObject({ code: 4, stderr: says });
    }
    const { node } = JSON.parse(await ctl("-o", "json", "mk", "/n", "v")) as {
      node: { createdIndex: number };
    };
    const index = node.createdIndex;
    expect(await ctl("-o", "extended", "get", "/n")).toBe(
      `Key: /n\nCreated-Index: ${index}\nModified-Index: ${index}\nTTL: 0\nIndex: ${index}\n\nv\n`,
    );
  });

  test("a member is added and listed", async () => {
    await using server = await startSingle();
    const ctl = (...words: string[]) => outputOf("etcdctl", ["--endpoints", server.clientUrl, ...words], V2);

    const added = await ctl("member", "add", "new", "http://127.0.0.1:1");
    const id = /^Added member named new with ID ([\da-f]+) to cluster\n/.exec(added)?.[1] ?? "";
    expect(added).toMatch(/\nETCD_NAME="new"\n.*\nETCD_INITIAL_CLUSTER_STATE="existing"\n$/);
    // In the order of the ids, which are made of ports and times.
    const cluster = /\nETCD_INITIAL_CLUSTER="(.*)"\n/.exec(added)?.[1]?.split(",") ?? [];
    expect(new Set(cluster)).toEqual(new Set(["new=http://127.0.0.1:1", `single=${server.peerUrl}`]));
    // Not by etcdctl: it asks for the leader too, and of two members one that runs alone may have none any more.
    const answer = await fetch(`${server.clientUrl}/v2/members`);
    expect(await answer.json()).toMatchObject({
      members: expect.arrayContaining([{ id, name: "", peerURLs: ["http://127.0.0.1:1"], clientURLs: [] }]),
    });
  });

  test("watch prints the next change", async () => {
    await using server = await startSingle();

    const watched = outputOf(
      "etcdctl",
      ["--endpoints", server.clientUrl, "watch", "--after-index", "1", "/w"],
      V2,
    );
    await outputOf("etcdctl", ["--endpoints", server.clientUrl, "set", "/w", "seen"], V2);

    expect(await watched).toBe("seen\n");
  });
});

const SCRIPT = `
import etcd, json, sys, threading
client = etcd.Client(host=sys.argv[1], port=int(sys.argv[2]), allow_reconnect=False)
out = {}
client.write("/py/a", "1")
out["read"] = client.read("/py/a").value
out["swap"] = client.write("/py/a", "2", prevValue="1").action
try:
    client.write("/py/a", "3", prevValue="1")
except etcd.EtcdCompareFailed:
    out["refused"] = True
client.write("/py/q", "first", append=True)
client.write("/py/dir", None, dir=True)
client.write("/py/ttl", "x", ttl=60)
out["ttl"] = 55 <= client.read("/py/ttl").ttl <= 60
out["keys"] = sorted(r.key for r in client.read("/py", recursive=True).leaves if not r.key.startswith("/py/q"))
index = client.read("/py/a").etcd_index
client.write("/py/watched", "seen")
out["watch"] = client.watch("/py/watched", index=index + 1, timeout=10).value
client.delete("/py", recursive=True)
try:
    client.read("/py")
except etcd.EtcdKeyNotFound:
    out["gone"] = True
out["members"] = [m["name"] for m in client.members.values()]
out["leader"] = client.leader["name"]
print(json.dumps(out))
`;

describe.skipIf(!isInstalled(PYTHON, ["-c", "import etcd"]))("python3-etcd", () => {
  test("reads, writes, compares, watches and deletes", async () => {
    await using server = await startSingle();
    const { hostname, port } = new URL(server.clientUrl);

    const output = await outputOf(PYTHON, ["-c", SCRIPT, hostname, port]);

    expect(JSON.parse(output)).toStrictEqual({
      read: "1",
      swap: "compareAndSwap",
      refused: true,
      ttl: true,
      keys: ["/py/a", "/py/dir", "/py/ttl"],
      watch: "seen",
      gone: true,
      members: ["single"],
      leader: "single",
    });
  });
});
