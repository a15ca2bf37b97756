// The client of npm: what a line of JSON on standard input asks for is done at the worker that the command line names,
// and what the client returned is a line of JSON on standard output.
const { createInterface } = require("node:readline");
const { KafkaConnectClient } = require("kafka-connect-client");

const { hostname: host, port } = new URL(process.argv[2]);
const worker = new KafkaConnectClient({ host, port });

const done = {
  root: () => worker.getCluster(),
  list: () => worker.getConnectors(),
  expanded: () => worker.getConnectors({ expand: ["info", "status"] }),
  plugins: () => worker.getConnectorPlugins({ connectorsOnly: true }),
  validate: ({ config }) => worker.validateConnectorConfig(config["connector.class"], config),
  create: ({ name, config }) => worker.createConnector(name, config),
  get: ({ name }) => worker.connector(name).get(),
  config: ({ name }) => worker.connector(name).getConfig(),
  update: ({ name, config }) => worker.connector(name).updateConfig(config),
  status: ({ name }) => worker.connector(name).getStatus(),
  tasks: ({ name }) => worker.connector(name).getTasks(),
  "task status": ({ name, task }) => worker.connector(name).getTaskStatus(task),
  topics: ({ name }) => worker.connector(name).getTopics(),
  "reset topics": ({ name }) => worker.connector(name).resetTopics(),
  pause: ({ name }) => worker.connector(name).pause(),
  resume: ({ name }) => worker.connector(name).resume(),
  stop: ({ name }) => worker.connector(name).stop(),
  restart: ({ name }) => worker.connector(name).restart(),
  "restart all": ({ name }) => worker.connector(name).restart({ includeTasks: true, onlyFailed: false }),
  "restart task": ({ name, task }) => worker.connector(name).restartTask(task),
  delete: ({ name }) => worker.connector(name).delete(),
};

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    let returned;
    try {
      returned = (await done[asked.do](asked)).data;
    } catch (failed) {
      returned = { error: failed.message, said: failed.response?.data };
    }
    console.log(JSON.stringify(returned ?? null));
  }
}

main();
