// Drives the running product through the cloud's SDK for Node.js, and prints what it made of the answers as JSON.
//
// The SDK has no package for the key service, so its calls go through the core, described as generated clients do it;
// those of the identity service go through its generated client.
"use strict";

const { BasicCredentials, GlobalCredentials } = require("@huaweicloud/huaweicloud-sdk-core");
const { ClientBuilder } = require("@huaweicloud/huaweicloud-sdk-core/ClientBuilder");
const { IamClient, KeystoneListProjectsRequest } = require("@huaweicloud/huaweicloud-sdk-iam/v3/public-api");

const { AK, SK, PROJECT_ID, DOMAIN_ID, ENDPOINT } = process.env;

class KmsClient {
  constructor(client) {
    this.hcClient = client;
  }

  call(method, path, { data, queryParams = {}, pathParams = {} } = {}) {
    const url = `/v1.0/{project_id}/kms/${path}`;
    const headers = {};
    const contentType = "application/json";
    return this.hcClient.sendRequest({ method, url, contentType, queryParams, pathParams, headers, data });
  }
}

const basic = new BasicCredentials().withAk(AK).withSk(SK).withProjectId(PROJECT_ID);
const kms = new ClientBuilder((client) => new KmsClient(client)).withCredential(basic).withEndpoint(ENDPOINT).build();

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return { name: error.constructor.name, status: error.httpStatusCode, shown: JSON.stringify(error) };
  }
  throw new Error("It was not refused.");
}

async function main() {
  const global = new GlobalCredentials().withAk(AK).withSk(SK).withDomainId(DOMAIN_ID);
  const iam = IamClient.newBuilder().withCredential(global).withEndpoint(ENDPOINT).build();
  const wanted = new KeystoneListProjectsRequest();
  wanted.withName("eu-de");
  const projects = (await iam.keystoneListProjects(wanted)).projects;

  const alias = `node-${process.pid}-${Date.now()}`;
  const created = await kms.call("POST", "create-key", { data: { key_alias: alias, key_description: "für Node" } });
  const key_id = created.key_info.key_id;
  const told = await kms.call("POST", "describe-key", { data: { key_id } });
  const sealed = await kms.call("POST", "encrypt-data", { data: { key_id, plain_text: "hello" } });
  const opened = await kms.call("POST", "decrypt-data", { data: { cipher_text: sealed.cipher_text } });
  const aliases = await kms.call("GET", "aliases", { queryParams: { key_id, limit: 10 } });
  await kms.call("POST", "{key_id}/tags", { data: { tag: { key: "team", value: "pay" } }, pathParams: { key_id } });
  const tags = await kms.call("GET", "{key_id}/tags", { pathParams: { key_id } });
  const refused = await refusal(kms.call("POST", "create-key", { data: { key_alias: "no spaces please" } }));

  const stranger = new BasicCredentials().withAk(AK).withSk("x".repeat(40)).withProjectId(PROJECT_ID);
  const wrong = new ClientBuilder((client) => new KmsClient(client)).withCredential(stranger).withEndpoint(ENDPOINT);
  const unsigned = await refusal(wrong.build().call("POST", "list-keys", { data: {} }));

  return {
    projects: projects.map((project) => project.id),
    description: told.key_info.key_description,
    text: opened.plain_text,
    aliases: aliases[0].aliases.map((each) => each.alias === alias),
    tags: tags.tags,
    refused,
    unsigned,
  };
}

main().then(
  (answers) => console.log(JSON.stringify(answers)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
