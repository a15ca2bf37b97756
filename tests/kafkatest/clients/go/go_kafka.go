package main

import (
	"net/http"

	"github.com/go-kafka/connect"
)

// What a call returned, without the answer that it was read from.
func read[T any](returned T, _ *http.Response, failed error) (any, error) {
	return returned, failed
}

func goKafka(url string) func(asked) (any, error) {
	client := connect.NewClient(url + "/")
	return func(one asked) (any, error) {
		switch one.Do {
		case "list":
			return read(client.ListConnectors())
		case "create":
			made := connect.Connector{Name: one.Name, Config: one.Config}
			_, failed := client.CreateConnector(&made)
			return made, failed
		case "get":
			return read(client.GetConnector(one.Name))
		case "config":
			return read(client.GetConnectorConfig(one.Name))
		case "status":
			return read(client.GetConnectorStatus(one.Name))
		case "tasks":
			return read(client.GetConnectorTasks(one.Name))
		case "update":
			return read(client.UpdateConnectorConfig(one.Name, one.Config))
		case "pause":
			_, failed := client.PauseConnector(one.Name)
			return none(failed)
		case "resume":
			_, failed := client.ResumeConnector(one.Name)
			return none(failed)
		case "restart":
			_, failed := client.RestartConnector(one.Name)
			return none(failed)
		case "delete":
			_, failed := client.DeleteConnector(one.Name)
			return none(failed)
		}
		panic(one.Do)
	}
}
