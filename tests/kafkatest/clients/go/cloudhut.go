package main

import (
	"context"

	connect "github.com/cloudhut/connect-client"
)

func cloudhut(url string) func(asked) (any, error) {
	client, now := connect.NewClient(connect.WithHost(url)), context.Background()
	return func(one asked) (any, error) {
		config := map[string]any{}
		for key, value := range one.Config {
			config[key] = value
		}
		switch one.Do {
		case "root":
			return client.GetRoot(now)
		case "list":
			return client.ListConnectors(now)
		case "expanded":
			return client.ListConnectorsExpanded(now)
		case "plugins":
			return client.GetConnectorPlugins(now)
		case "validate":
			return client.PutValidateConnectorConfig(
				now, one.Config["connector.class"], connect.ValidateConnectorConfigOptions{Config: config})
		case "create":
			return client.CreateConnector(now, connect.CreateConnectorRequest{Name: one.Name, Config: config})
		case "get":
			return client.GetConnector(now, one.Name)
		case "config":
			return client.GetConnectorConfig(now, one.Name)
		case "status":
			return client.GetConnectorStatus(now, one.Name)
		case "topics":
			return client.GetConnectorTopics(now, one.Name)
		case "reset topics":
			return none(client.ResetConnectorTopics(now, one.Name))
		case "update":
			return client.PutConnectorConfig(now, one.Name, connect.PutConnectorConfigOptions{Config: config})
		case "pause":
			return none(client.PauseConnector(now, one.Name))
		case "resume":
			return none(client.ResumeConnector(now, one.Name))
		case "stop":
			return none(client.StopConnector(now, one.Name))
		case "restart":
			return none(client.RestartConnector(now, one.Name, connect.RestartConnectorOptions{}))
		case "restart all":
			return none(client.RestartConnector(now, one.Name, connect.RestartConnectorOptions{IncludeTasks: true}))
		case "restart task":
			return none(client.RestartConnectorTask(now, one.Name, one.Task))
		case "delete":
			return none(client.DeleteConnector(now, one.Name))
		}
		panic(one.Do)
	}
}
