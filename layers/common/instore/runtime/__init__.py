"""What Lambda needs around the thinking: settings, logs, clients, HTTP and webhook edges."""
