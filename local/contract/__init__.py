"""Our Twilio client against Twilio's own OpenAPI document: `make contract`."""
