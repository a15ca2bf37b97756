"""What a message is made of: templates, addresses, attachments, and its headers."""
